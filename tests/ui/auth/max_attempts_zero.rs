// A lockout needs one attempt.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[lockout(max_attempts = 0)]
    pub struct Auth<User>;
}

fn main() {}
