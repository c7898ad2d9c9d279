// There is nothing to recover a password by.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub username: String,
    password_hash: PasswordHash,
}

auth! {
    #[channel]
    pub struct Auth<User>;
}

fn main() {}
