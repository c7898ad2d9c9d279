// A guard names a transport that the block has.
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

#[require(transport(bearer))]
async fn machines(_user: Principal<Auth>) {}

fn main() {}
