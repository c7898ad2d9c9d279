// A sign-in that was begun is finished soon, or not at all.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[oauth(google, state_ttl = "30m")]
    pub struct Auth<User>;
}

fn main() {}
