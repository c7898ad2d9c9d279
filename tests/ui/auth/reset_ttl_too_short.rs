// A message takes its time.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    #[channel(reset_ttl = "60s")]
    pub struct Auth<User>;
}

fn main() {}
