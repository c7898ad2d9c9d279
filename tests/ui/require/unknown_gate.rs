// A gate is a type that implements `Gate`.
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

struct NotAGate;

#[require(NotAGate)]
async fn pay(_user: Principal<Auth>) {}

fn main() {}
