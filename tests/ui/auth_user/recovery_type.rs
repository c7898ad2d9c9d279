// A telephone number is a text.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    #[auth(recovery)]
    phone: i64,
    password_hash: PasswordHash,
}

fn main() {}
