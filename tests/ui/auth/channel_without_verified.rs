// Nothing says whether the number is proven.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub username: String,
    password_hash: PasswordHash,
    #[auth(recovery, register, max_length = 20)]
    pub phone: String,
}

auth! {
    #[channel]
    pub struct Auth<User>;
}

fn main() {}
