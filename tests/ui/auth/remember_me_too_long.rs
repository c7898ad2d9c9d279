// Browsers keep no cookie for longer than 400 days.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[session(remember_me = "500d")]
    pub struct Auth<User>;
}

fn main() {}
