// Nothing is marked `recovery`.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    #[auth(recovery_verified)]
    phone_verified: bool,
    password_hash: PasswordHash,
}

fn main() {}
