// A refresh token that is never replaced is a refused combination.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(refresh(rotate = false))]
    pub struct Auth<User>;
}

fn main() {}
