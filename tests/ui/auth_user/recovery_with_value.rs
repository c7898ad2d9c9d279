// A role takes no value.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    #[auth(recovery = "phone")]
    phone: String,
    password_hash: PasswordHash,
}

fn main() {}
