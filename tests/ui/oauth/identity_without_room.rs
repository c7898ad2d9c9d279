// Tokens are kept in the identity's row, and a column is none.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
    #[auth(identity = "google")]
    google_id: Option<String>,
}

auth! {
    #[oauth(google, keep_tokens)]
    pub struct Auth<User>;
}

fn main() {}
