// The block makes the type.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[derive(Clone)]
    pub struct Auth<User>;
}

fn main() {}
