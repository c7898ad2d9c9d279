// A word that is not known lists the ones that are.
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

#[require(mfa)]
async fn pay(_user: Principal<Auth>) {}

fn main() {}
