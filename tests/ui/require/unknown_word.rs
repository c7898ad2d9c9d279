// A typo in a word names the word it was meant to be.
use crudauth::{AuthUser, PasswordHash, Principal, auth, require};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    email_verified: bool,
    is_superuser: bool,
}

auth! {
    pub struct Auth<User>;
}

#[require(verifed)]
async fn pay(_user: Principal<Auth>) {}

fn main() {}
