// Nobody comes back to a block without providers.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    pub struct Auth<User>;
}

fn start() {
    let _ = Auth::connect("sqlite::memory:")
        .public_url("https://app.example.com")
        .build();
}

fn main() {}
