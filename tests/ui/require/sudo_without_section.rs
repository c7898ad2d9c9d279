// `sudo` needs the section.
use crudauth::{AuthUser, PasswordHash, Principal, auth, require};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    pub struct Auth<User>;
}

#[require(sudo)]
async fn wipe(_user: Principal<Auth>) {}

fn main() {}
