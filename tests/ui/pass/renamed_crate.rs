// The crate under another name.
use crudauth::{AuthUser, PasswordHash, auth};
extern crate crudauth as renamed;

#[derive(AuthUser)]
#[auth(crate(::crudauth))]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[crate(::crudauth)]
    pub struct Auth<User>;
}

pub fn main() {}
