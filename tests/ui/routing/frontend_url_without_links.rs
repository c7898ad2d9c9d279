// No link would begin with this.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    pub struct Auth<User>;
}

async fn start() {
    let _ = Auth::connect("sqlite::memory:").frontend_url("https://app.example.com");
}

fn main() {
    drop(start());
}
