// There is nothing to verify without an address.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    username: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

fn main() {}
