// An epoch is an `i64`.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    token_version: i32,
}

fn main() {}
