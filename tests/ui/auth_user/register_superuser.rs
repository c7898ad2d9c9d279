// A client must not make itself an administrator.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    #[auth(register)]
    is_superuser: bool,
}

fn main() {}
