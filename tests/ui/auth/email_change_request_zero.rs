// A limit of nothing.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    #[rate_limit(email_change_request = "0/h")]
    pub struct Auth<User>;
}

fn main() {}
