// An account needs a primary key.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    email: String,
    password_hash: PasswordHash,
}

fn main() {}
