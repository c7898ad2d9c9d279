// A column has one role.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    #[auth(email, username)]
    address: String,
    password_hash: PasswordHash,
}

fn main() {}
