// Six mistakes, six messages, one compile.
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
        gogle,
        oidc("SSO"),
        github(trustd = false),
        response = "html",
        state_ttl = "1h",
        default_redirect = "https://app.example.com",
    )]
    pub struct Auth<User>;
}

fn main() {}
