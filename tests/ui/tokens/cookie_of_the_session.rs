// The session and the refresh token have cookies of their own.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[session(cookie = "sid")]
    #[bearer(refresh(cookie = "sid"))]
    pub struct Auth<User>;
}

fn main() {}
