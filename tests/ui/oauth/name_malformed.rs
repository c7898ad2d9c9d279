// A name is part of a path.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[oauth(oidc("Corp SSO"))]
    pub struct Auth<User>;
}

fn main() {}
