// A link over http can be read on the way.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    #[email(frontend_url = "http://app.example.com")]
    pub struct Auth<User>;
}

fn main() {}
