// The links have a query of their own.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    #[email(change_path = "/change?lang=en")]
    pub struct Auth<User>;
}

fn main() {}
