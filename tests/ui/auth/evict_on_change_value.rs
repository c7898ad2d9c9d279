// A switch takes no value.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    #[email(evict_on_change = 1)]
    pub struct Auth<User>;
}

fn main() {}
