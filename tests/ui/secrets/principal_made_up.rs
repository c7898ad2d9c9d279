// A principal cannot be made by hand: only a guard makes one.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
}

auth! { pub struct Auth<User>; }

fn main() {
    let _: crudauth::Principal<Auth> = crudauth::Principal {};
}
