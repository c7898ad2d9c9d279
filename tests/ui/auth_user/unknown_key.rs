// A typo in a key names the key it was meant to be.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    #[auth(regster)]
    name: String,
}

fn main() {}
