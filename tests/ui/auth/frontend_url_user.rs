// User information in a link is shown to everybody.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    #[email(frontend_url = "https://shop@app.example.com")]
    pub struct Auth<User>;
}

fn main() {}
