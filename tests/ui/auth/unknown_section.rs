// A typo in a section names the section it was meant to be.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[sesion]
    pub struct Auth<User>;
}

fn main() {}
