// An access token is short-lived.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(access = "30d")]
    pub struct Auth<User>;
}

fn main() {}
