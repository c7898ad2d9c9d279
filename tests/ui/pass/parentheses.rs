// Parentheses, which rustfmt formats.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth!(
    #[session(management)]
    pub struct Auth<User>;
);

pub fn main() {}
