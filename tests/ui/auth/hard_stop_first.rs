// The hard stop comes after the first lock.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[lockout(hard_stop = 2)]
    pub struct Auth<User>;
}

fn main() {}
