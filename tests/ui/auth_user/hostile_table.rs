// A table name cannot end its quotes.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users\"; DROP TABLE users; --")]
struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

fn main() {}
