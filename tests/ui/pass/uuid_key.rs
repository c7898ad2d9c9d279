// A UUID key.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: uuid::Uuid,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    pub struct Auth<User>;
}

pub fn main() {}
