// A client must not choose its epoch.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    #[auth(register)]
    token_version: i64,
}

fn main() {}
