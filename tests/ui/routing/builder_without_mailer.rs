// A block that declares mail cannot be built before it was given a mailer.
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
    pub struct Auth<User>;
}

async fn start() {
    let _ = Auth::connect("sqlite::memory:").build().await;
}

fn main() {
    drop(start());
}
