// The columns of crudauth are no UUIDs, but for the key.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    #[auth(repr = "simple")]
    email: String,
    password_hash: PasswordHash,
}

fn main() {}
