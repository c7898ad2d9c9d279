// Nobody sends what this limits.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    #[auth(recovery, max_length = 20)]
    phone: String,
    password_hash: PasswordHash,
}

fn main() {}
