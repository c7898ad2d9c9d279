// An old link proves the former owner.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    #[email(change_ttl = "8d")]
    pub struct Auth<User>;
}

fn main() {}
