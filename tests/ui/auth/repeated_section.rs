// A section is given once.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[session]
    #[session(management)]
    pub struct Auth<User>;
}

fn main() {}
