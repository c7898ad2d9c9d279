// A list takes keys.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[session("30m")]
    pub struct Auth<User>;
}

fn main() {}
