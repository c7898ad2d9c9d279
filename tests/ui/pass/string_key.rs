// A text key.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: String,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    pub struct Auth<User>;
}

pub fn main() {}
