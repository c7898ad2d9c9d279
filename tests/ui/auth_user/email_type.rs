// An e-mail address is a text.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    email: i64,
    password_hash: PasswordHash,
}

fn main() {}
