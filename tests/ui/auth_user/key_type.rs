// A key is one of three types, or a newtype over one.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: u8,
    email: String,
    password_hash: PasswordHash,
}

fn main() {}
