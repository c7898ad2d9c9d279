// Who could set this at sign-up would have proven any number.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    #[auth(recovery)]
    phone: String,
    #[auth(register)]
    phone_verified: bool,
    password_hash: PasswordHash,
}

fn main() {}
