// The channel recovers the password, but there is no address to change.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub username: String,
    password_hash: PasswordHash,
    #[auth(recovery, register, max_length = 20)]
    pub phone: String,
    phone_verified: bool,
}

auth! {
    #[email]
    #[channel]
    pub struct Auth<User>;
}

fn main() {}
