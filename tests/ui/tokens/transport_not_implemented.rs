// A transport implements what asks it.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

pub struct ApiKeys;

auth! {
    #[bearer]
    #[transport(ApiKeys)]
    pub struct Auth<User>;
}

fn main() {}
