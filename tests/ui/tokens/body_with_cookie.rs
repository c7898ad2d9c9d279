// What travels in the body has no cookie.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(refresh(deliver = "body", cookie = "renew"))]
    pub struct Auth<User>;
}

fn main() {}
