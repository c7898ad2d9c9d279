// Somebody who comes back from a provider is given a session.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[bearer]
    #[oauth(google)]
    pub struct Auth<User>;
}

fn main() {}
