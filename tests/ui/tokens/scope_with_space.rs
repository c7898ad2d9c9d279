// A scope is one word of RFC 6749.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(scopes(default("read reports")))]
    pub struct Auth<User>;
}

fn main() {}
