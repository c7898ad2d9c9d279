// `verified` needs a column that says so.
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

#[require(verified)]
async fn pay(_user: Principal<Auth>) {}

fn main() {}
