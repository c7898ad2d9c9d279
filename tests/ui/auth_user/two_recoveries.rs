// One column recovers a password.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    #[auth(recovery)]
    phone: String,
    #[auth(recovery)]
    pager: String,
    password_hash: PasswordHash,
}

fn main() {}
