// More OpenID providers than the block declares.
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
    #[oauth(oidc("sso"))]
    pub struct Auth<User>;
}

fn start() {
    let _ = Auth::connect("sqlite::memory:")
        .public_url("https://app.example.com")
        .oidc("sso", Credentials::new("id", "secret"))
        .oidc("corp", Credentials::new("id", "secret"))
        .build();
}

fn main() {}
