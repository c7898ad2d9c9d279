// A block that declares channels cannot be built before it was given one.
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
    #[channel]
    pub struct Auth<User>;
}

async fn start() {
    let _ = Auth::connect("sqlite::memory:").build().await;
}

fn main() {
    drop(start());
}
