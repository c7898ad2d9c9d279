// The e-mail address is in every sign-up already.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    #[auth(register)]
    email: String,
    password_hash: PasswordHash,
}

fn main() {}
