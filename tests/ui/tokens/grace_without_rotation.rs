// What is not replaced needs no grace.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(refresh(rotate = false, grace = "5s"))]
    #[allow(refresh_without_rotation, reason = "an old client")]
    pub struct Auth<User>;
}

fn main() {}
