// A declared provider is given its credentials, whichever way the builder is built.
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
    #[oauth(google, github)]
    pub struct Auth<User>;
}

async fn start() -> crudauth::Result<Auth> {
    Auth::connect("sqlite::memory:")
        .public_url("https://app.example.com")
        .github(Credentials::new("id", "secret"))
        .await
}

fn main() {}
