// A field is a column or it is not.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    #[auth(skip, register)]
    name: String,
}

fn main() {}
