// A page reads one kind of link, and the other one is where it is by default.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    #[email(change_path = "/verify-email")]
    pub struct Auth<User>;
}

fn main() {}
