// `proxy` says how many.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[proxy]
    pub struct Auth<User>;
}

fn main() {}
