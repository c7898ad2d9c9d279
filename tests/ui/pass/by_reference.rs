// A proof is handed on.
use crudauth::{AuthUser, PasswordHash, Principal, auth, require};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    pub struct Auth<User>;
}

#[require(verified)]
fn wipe(_by: &Principal<Auth>) {}

#[require]
async fn log(_by: &Principal<Auth>) {}

#[require(verified)]
pub async fn handler(user: Principal<Auth>) {
    wipe(&user);
    log(&user).await;
}

pub fn main() {}
