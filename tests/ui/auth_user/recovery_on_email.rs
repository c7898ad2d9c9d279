// The address is it already.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    #[auth(recovery)]
    email: String,
    password_hash: PasswordHash,
}

fn main() {}
