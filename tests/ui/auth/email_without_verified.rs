// Nothing says whether the address is proven.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
}

auth! {
    #[email]
    pub struct Auth<User>;
}

fn main() {}
