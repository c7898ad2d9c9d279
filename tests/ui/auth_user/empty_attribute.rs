// An attribute without keys says nothing.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    #[auth]
    name: String,
}

fn main() {}
