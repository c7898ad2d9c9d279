// A way to prove it that is not known lists the ones that are.
use crudauth::{AuthUser, PasswordHash, Principal, auth, require};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[sudo]
    pub struct Auth<User>;
}

#[require(sudo(by(totp)))]
async fn wipe(_user: Principal<Auth>) {}

fn main() {}
