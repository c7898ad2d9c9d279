// A key that no other is like: scopes are given with the credentials.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[oauth(google, scopes = "email")]
    pub struct Auth<User>;
}

fn main() {}
