// A key is given once.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(refresh(ttl = "7d", ttl = "30d"))]
    pub struct Auth<User>;
}

fn main() {}
