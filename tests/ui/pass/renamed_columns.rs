// Fields and columns under other names.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
#[auth(table = "members")]
pub struct User {
    id: i64,
    #[auth(email, column = "mail")]
    address: String,
    #[auth(password)]
    secret: PasswordHash,
}

auth! {
    pub struct Auth<User>;
}

pub fn main() {}
