// A code is exchanged for tokens, which the block has none of.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[session]
    #[oauth(google, exchange("https://spa.example.com/callback"))]
    pub struct Auth<User>;
}

fn main() {}
