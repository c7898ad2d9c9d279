// `strict` means 15 characters.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[password(strict, min = 12)]
    pub struct Auth<User>;
}

fn main() {}
