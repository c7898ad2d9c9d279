// A telephone number is no mailbox.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
    #[auth(recovery, register, max_length = 20)]
    pub phone: Option<String>,
    phone_verified: bool,
}

auth! {
    #[email]
    pub struct Auth<User>;
}

fn main() {}
