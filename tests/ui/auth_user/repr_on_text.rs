// Only a UUID has forms to choose from.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    #[auth(repr = "simple")]
    team: Option<String>,
}

fn main() {}
