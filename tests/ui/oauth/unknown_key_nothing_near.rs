// A key that no other is like.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[oauth(google, nonce = "a")]
    pub struct Auth<User>;
}

fn main() {}
