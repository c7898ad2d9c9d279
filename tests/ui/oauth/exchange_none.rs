// An empty list says nothing.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[session]
    #[bearer]
    #[oauth(google, exchange())]
    pub struct Auth<User>;
}

fn main() {}
