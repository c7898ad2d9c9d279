// A group of keys has its parentheses.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(refresh)]
    pub struct Auth<User>;
}

fn main() {}
