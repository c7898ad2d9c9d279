// A role takes no value.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    #[auth(email = true)]
    address: String,
    password_hash: PasswordHash,
}

fn main() {}
