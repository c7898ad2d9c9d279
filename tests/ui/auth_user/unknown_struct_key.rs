// A typo above the struct names the key it was meant to be.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(tabel = "users")]
struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

fn main() {}
