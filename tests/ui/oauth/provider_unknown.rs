// A provider that is not built in is one that the application describes.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[oauth(google, facebook)]
    pub struct Auth<User>;
}

fn main() {}
