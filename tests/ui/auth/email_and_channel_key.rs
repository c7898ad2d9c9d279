// What both sections have is written in one of them.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    #[email]
    #[channel(reset_ttl = "10m")]
    pub struct Auth<User>;
}

fn main() {}
