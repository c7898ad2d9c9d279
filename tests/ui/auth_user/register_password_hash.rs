// A client must not send a hash.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    email: String,
    #[auth(register)]
    password_hash: PasswordHash,
}

fn main() {}
