// A refresh token outlives the access token.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(access = "2h", refresh(ttl = "1h"))]
    pub struct Auth<User>;
}

fn main() {}
