// A lifetime has a unit, in its text too.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[session(idle = "30")]
    pub struct Auth<User>;
}

fn main() {}
