// There is no address to mail to.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub username: String,
    password_hash: PasswordHash,
}

auth! {
    #[email]
    pub struct Auth<User>;
}

fn main() {}
