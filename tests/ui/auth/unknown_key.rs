// A typo in a key names the key it was meant to be.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[session(idel = "30m")]
    pub struct Auth<User>;
}

fn main() {}
