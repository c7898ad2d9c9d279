// A session has no scopes.
use crudauth::{AuthUser, PasswordHash, Principal, auth, require};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[session]
    #[bearer(scopes(default("read")))]
    pub struct Auth<User>;
}

#[require(transport(session), scope("read"))]
async fn reports(_user: Principal<Auth>) {}

fn main() {}
