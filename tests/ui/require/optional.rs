// An optional principal proves nothing.
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

#[require(verified)]
async fn pay(_user: Option<Principal<Auth>>) {}

fn main() {}
