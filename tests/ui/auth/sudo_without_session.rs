// Sudo needs a session that it can elevate.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    token_version: i64,
}

auth! {
    #[bearer]
    #[sudo]
    pub struct Auth<User>;
}

fn main() {}
