// A typo in a key names the key it was meant to be.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[oauth(google, default_redirct = "/welcome")]
    pub struct Auth<User>;
}

fn main() {}
