// A column name is letters, digits and underscores.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    #[auth(column = "näme")]
    name: String,
}

fn main() {}
