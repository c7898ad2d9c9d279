// An elevation is short.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
}

auth! {
    #[sudo(ttl = "1h")]
    pub struct Auth<User>;
}

fn main() {}
