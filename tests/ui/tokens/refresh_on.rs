// Refresh tokens are there unless a block says otherwise.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(refresh = "on")]
    pub struct Auth<User>;
}

fn main() {}
