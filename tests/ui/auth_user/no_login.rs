// An account needs something to sign in with.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    password_hash: PasswordHash,
}

fn main() {}
