// A check belongs to its handler.
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

async fn rich(_: &Principal<Auth>) -> bool { true }

#[require(check(rich))]
fn pay(_by: &Principal<Auth>) {}

fn main() {}
