// A user name is enough.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    username: String,
    password_hash: PasswordHash,
}

auth! {
    pub struct Auth<User>;
}

pub fn main() {}
