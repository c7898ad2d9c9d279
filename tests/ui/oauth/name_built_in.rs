// A built-in word is nobody else's name.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[oauth(oidc("google"))]
    pub struct Auth<User>;
}

fn main() {}
