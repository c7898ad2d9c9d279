// Failures are told in the query.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[oauth(google, default_redirect = "/#/welcome")]
    pub struct Auth<User>;
}

fn main() {}
