// A block without tokens has none to issue.
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

async fn end(auth: &Auth, id: i64) -> crudauth::Result<u64> {
    auth.tokens().revoke_all(&id).await
}

fn main() {}
