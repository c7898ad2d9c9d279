// Two fields cannot share a column.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    #[auth(column = "EMAIL")]
    mail: String,
}

fn main() {}
