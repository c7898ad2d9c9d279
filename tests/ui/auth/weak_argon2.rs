// Weak argon2 parameters are refused (SEC-002).
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[password(argon2(m = "8MiB", t = 2))]
    pub struct Auth<User>;
}

fn main() {}
