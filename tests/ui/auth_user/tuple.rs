// Columns take their names from fields.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
#[auth(table = "users")]
struct User(
    i64,
);

fn main() {}
