// `hooks` takes a type.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[hooks]
    pub struct Auth<User>;
}

fn main() {}
