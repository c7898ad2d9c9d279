// A renamed crate is named by an absolute path.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(crate(renamed))]
struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

fn main() {}
