// crudauth fills this.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    #[auth(recovery)]
    phone: String,
    #[auth(default = true)]
    phone_verified: bool,
    password_hash: PasswordHash,
}

fn main() {}
