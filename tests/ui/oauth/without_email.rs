// Providers vouch for addresses.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    username: String,
    password_hash: PasswordHash,
}

auth! {
    #[oauth(google)]
    pub struct Auth<User>;
}

fn main() {}
