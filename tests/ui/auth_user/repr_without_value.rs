// Which form it is has to be said.
use crudauth::{AuthUser, PasswordHash};
use uuid::Uuid;

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    #[auth(repr)]
    id: Uuid,
    email: String,
    password_hash: PasswordHash,
}

fn main() {}
