// Two cookies have two names.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[session(cookie = "csrf_token")]
    pub struct Auth<User>;
}

fn main() {}
