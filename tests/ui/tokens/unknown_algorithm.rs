// There are four algorithms.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(algorithm = "none")]
    pub struct Auth<User>;
}

fn main() {}
