// A product that is to come says so.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[database(mysql)]
    pub struct Auth<User>;
}

fn main() {}
