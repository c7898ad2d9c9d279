// One of them is a typing mistake.
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
    #[bearer]
    #[oauth(google, exchange("com.example.app:/callback", "com.example.app:/callback"))]
    pub struct Auth<User>;
}

fn main() {}
