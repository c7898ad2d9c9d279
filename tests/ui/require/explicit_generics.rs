// Hidden type parameters do not mix with explicit ones.
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
fn pay<T>(_by: &Principal<Auth>, _with: T) {}

fn main() {}
