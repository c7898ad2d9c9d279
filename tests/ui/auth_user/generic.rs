// One struct is one table.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User<T> {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    more: T,
}

fn main() {}
