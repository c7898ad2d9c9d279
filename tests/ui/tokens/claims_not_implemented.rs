// Claims are made from the account.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

pub struct Plan;

auth! {
    #[bearer(claims(Plan))]
    pub struct Auth<User>;
}

fn main() {}
