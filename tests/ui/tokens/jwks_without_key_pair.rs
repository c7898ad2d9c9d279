// Keys that sign are never published.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(jwks)]
    pub struct Auth<User>;
}

fn main() {}
