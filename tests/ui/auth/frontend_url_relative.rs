// A link that names no host leads nowhere.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    #[email(frontend_url = "app.example.com")]
    pub struct Auth<User>;
}

fn main() {}
