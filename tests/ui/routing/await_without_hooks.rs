// Nor can the builder be awaited.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
}

auth! { pub struct Auth<User>; }

pub struct Mine;

impl crudauth::Hooks<User> for Mine {}

auth! {
    #[hooks(Mine)]
    pub struct WithHooks<User>;
}

async fn start() {
    let _ = WithHooks::connect("sqlite::memory:").await;
}

fn main() {
    drop(start());
}
