// Browsers and we would not agree on this host.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    #[channel(frontend_url = "https://app..example.com")]
    pub struct Auth<User>;
}

fn main() {}
