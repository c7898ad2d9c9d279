// What may stand in a provider's parentheses.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[oauth(oidc("sso", issuer = "https://sso.example"))]
    pub struct Auth<User>;
}

fn main() {}
