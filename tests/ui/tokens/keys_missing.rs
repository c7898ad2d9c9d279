// An algorithm with a pair of keys is given its keys.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(algorithm = "EdDSA")]
    pub struct Auth<User>;
}

async fn start() -> crudauth::Result<Auth> {
    Auth::connect("sqlite::memory:").await
}

fn main() {}
