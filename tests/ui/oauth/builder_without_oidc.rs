// Each `oidc("…")` is given its issuer and credentials.
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
    #[oauth(oidc("sso"), oidc("corp"))]
    pub struct Auth<User>;
}

fn start() {
    let _ = Auth::connect("sqlite::memory:")
        .public_url("https://app.example.com")
        .oidc("sso", Credentials::new("id", "secret"))
        .build();
}

fn main() {}
