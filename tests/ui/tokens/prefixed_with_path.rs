// A prefix is a promise.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(refresh(cookie = "__Host-renew", path = "/auth"))]
    pub struct Auth<User>;
}

fn main() {}
