// What a provider gave the application is configuration, and the builder's.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[oauth(
        google(client_id = "id"), oidc("sso", issuer = "https://sso.example.com"), oidc("corp", untrusted),
        scopes = "email", redirect_uri = "https://app.example.com/callback",
    )]
    pub struct Auth<User>;
}

fn main() {}
