// The application says what a provider of its own is.
use crudauth::oauth::Credentials;
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[oauth(google, provider("linkedin"))]
    pub struct Auth<User>;
}

fn start() {
    let _ = Auth::connect("sqlite::memory:")
        .public_url("https://app.example.com")
        .google(Credentials::new("id", "secret"))
        .build();
}

fn main() {}
