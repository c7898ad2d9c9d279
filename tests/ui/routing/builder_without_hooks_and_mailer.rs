// What is missing is told all at once.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

pub struct Mine;

impl crudauth::Hooks<User> for Mine {}

auth! {
    #[email]
    #[hooks(Mine)]
    pub struct Auth<User>;
}

async fn start() {
    let _ = Auth::connect("sqlite::memory:").build().await;
}

fn main() {
    drop(start());
}
