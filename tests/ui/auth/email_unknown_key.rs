// A key that was misspelt.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    #[email(reset_tll = "1h")]
    pub struct Auth<User>;
}

fn main() {}
