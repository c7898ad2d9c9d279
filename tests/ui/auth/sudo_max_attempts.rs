// A few tries, no more.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
}

auth! {
    #[sudo(max_attempts = 50)]
    pub struct Auth<User>;
}

fn main() {}
