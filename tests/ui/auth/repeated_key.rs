// A key is given once.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[session(path = "/", path = "/app")]
    pub struct Auth<User>;
}

fn main() {}
