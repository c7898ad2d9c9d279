// A proof cannot be moved to another identity: there is no mutable way into a principal.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
}

auth! { pub struct Auth<User>; }

fn swap(user: &mut crudauth::Principal<Auth>) {
    user.id = 1;
}

fn main() {
    let _ = swap;
}
