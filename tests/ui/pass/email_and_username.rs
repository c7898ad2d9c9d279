// Both identifiers.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    username: String,
    password_hash: PasswordHash,
}

auth! {
    pub struct Auth<User>;
}

pub fn main() {}
