// A typo in a key names the key.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(acess = "5m")]
    pub struct Auth<User>;
}

fn main() {}
