// A schema name cannot hold a NUL.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(schema = "a\0b")]
struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

fn main() {}
