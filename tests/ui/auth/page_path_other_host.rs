// Two slashes begin a host.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    #[email(verify_path = "//evil.example")]
    pub struct Auth<User>;
}

fn main() {}
