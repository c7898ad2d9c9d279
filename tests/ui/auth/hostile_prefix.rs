// A prefix is part of an SQL name.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[tables(prefix = "auth-")]
    pub struct Auth<User>;
}

fn main() {}
