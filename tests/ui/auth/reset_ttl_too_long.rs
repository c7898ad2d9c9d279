// A link to a new password is a password.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    #[email(reset_ttl = "7d")]
    pub struct Auth<User>;
}

fn main() {}
