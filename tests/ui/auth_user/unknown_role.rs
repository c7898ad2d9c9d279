// A typo in a role names the role it was meant to be.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    #[auth(emial)]
    address: String,
    password_hash: PasswordHash,
}

fn main() {}
