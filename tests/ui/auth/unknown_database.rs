// A typo in a product names the product it was meant to be.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[database(sqlit)]
    pub struct Auth<User>;
}

fn main() {}
