// A lifetime lasts.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[session(idle = "0s")]
    pub struct Auth<User>;
}

fn main() {}
