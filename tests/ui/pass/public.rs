// Handlers without a principal.
use crudauth::{AuthUser, PasswordHash, auth, public, require};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    pub struct Auth<User>;
}

#[public]
pub async fn landing() {}

#[require(auth(Auth), verified)]
pub async fn hidden() {}

pub fn main() {}
