// A default is a literal or a function.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    #[auth(default = 1 + 1)]
    seats: i64,
}

fn main() {}
