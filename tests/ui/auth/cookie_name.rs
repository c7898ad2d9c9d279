// A cookie name has no spaces.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[session(cookie = "my session")]
    pub struct Auth<User>;
}

fn main() {}
