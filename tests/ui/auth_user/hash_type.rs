// A hash is a `PasswordHash`, not a text.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    email: String,
    password_hash: String,
}

fn main() {}
