// A plain `sudo` does not prove a stricter one.
use crudauth::{AuthUser, PasswordHash, Principal, auth, require};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[sudo]
    pub struct Auth<User>;
}

#[require(sudo(within = "2m"))]
fn wipe(_by: &Principal<Auth>) {}

#[require(sudo)]
async fn handler(user: Principal<Auth>) {
    wipe(&user);
}

fn main() {}
