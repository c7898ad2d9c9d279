// A column is for a provider that the block declares: what is in it would open nothing.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
    #[auth(identity = "gogle")]
    google_id: Option<String>,
}

auth! {
    #[oauth(google, github)]
    pub struct Auth<User>;
}

fn main() {}
