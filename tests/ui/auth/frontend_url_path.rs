// Browsers clean this path up.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    #[channel(frontend_url = "https://app.example.com/a/../b")]
    pub struct Auth<User>;
}

fn main() {}
