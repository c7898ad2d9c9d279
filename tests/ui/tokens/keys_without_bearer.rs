// Nobody would use these keys.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    pub struct Auth<User>;
}

async fn start(keys: crudauth::jwt::SigningKeys) -> crudauth::Result<Auth> {
    Auth::connect("sqlite::memory:").signing_keys(keys).await
}

fn main() {}
