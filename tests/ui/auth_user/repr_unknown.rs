// A UUID has three forms, and a typo finds the one that was meant.
use crudauth::{AuthUser, PasswordHash};
use uuid::Uuid;

#[derive(AuthUser)]
#[auth(table = "users")]
struct User {
    #[auth(repr = "hyphened")]
    id: Uuid,
    email: String,
    password_hash: PasswordHash,
}

fn main() {}
