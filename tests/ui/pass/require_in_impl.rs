// A guard on an associated function.
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

pub struct Api;

impl Api {
    #[require(verified, check(even))]
    pub async fn pay(mut user: Principal<Auth>) {
        let _ = &mut user;
    }
}

async fn even(_: &Principal<Auth>) -> bool {
    true
}

pub fn main() {}
