// Any app may claim a scheme that is nobody's.
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
    #[oauth(google, exchange("myapp:/callback"))]
    pub struct Auth<User>;
}

fn main() {}
