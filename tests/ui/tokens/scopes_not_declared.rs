// A scope is declared in the block.
use crudauth::{AuthUser, PasswordHash, Principal, auth, require};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    pub struct Auth<User>;
}

#[require(scope("reports:read"))]
async fn reports(_user: Principal<Auth>) {}

fn main() {}
