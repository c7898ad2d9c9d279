// A limit on what nobody may send is a mistake.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    #[auth(max_length = 5)]
    name: String,
}

fn main() {}
