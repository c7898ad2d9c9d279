// A table name is a literal.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = users)]
struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

fn main() {}
