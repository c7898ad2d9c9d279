// A proof that was never obtained cannot be handed on.
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
fn wipe(_by: &Principal<Auth>) {}

#[require]
async fn handler(user: Principal<Auth>) {
    wipe(&user);
}

fn main() {}
