// A lock neither lets guessing go on nor keeps the owner out.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
}

auth! {
    #[sudo(lockout = "30s")]
    pub struct Auth<User>;
}

fn main() {}
