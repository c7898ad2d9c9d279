// A provider for a block that declares none.
use crudauth::oauth::Credentials;
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
        .google(Credentials::new("id", "secret"))
        .build();
}

fn main() {}
