// Without a limit, anybody fills anybody's mailbox.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    #[email]
    #[rate_limit(password_reset_request = "off")]
    pub struct Auth<User>;
}

fn main() {}
