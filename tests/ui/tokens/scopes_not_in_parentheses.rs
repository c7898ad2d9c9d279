// Scopes stand in parentheses.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(scopes(default = "read"))]
    pub struct Auth<User>;
}

fn main() {}
