// A declared provider is given its credentials.
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
    #[oauth(github, google)]
    pub struct Auth<User>;
}

fn start() {
    let _ = Auth::connect("sqlite::memory:")
        .public_url("https://app.example.com")
        .github(Credentials::new("id", "secret"))
        .build();
}

fn main() {}
