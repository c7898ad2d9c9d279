// A typo in a provider names the one it was meant to be.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[oauth(gogle, github)]
    pub struct Auth<User>;
}

fn main() {}
