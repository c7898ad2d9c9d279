// The grace is for an answer that got lost.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(refresh(grace = "5m"))]
    pub struct Auth<User>;
}

fn main() {}
