// A row is a struct.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
enum User {
    One,
}

fn main() {}
