// Nobody signs in at a provider in no time.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[oauth(google, state_ttl = "30s")]
    pub struct Auth<User>;
}

fn main() {}
