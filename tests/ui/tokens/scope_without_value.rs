// A scope has a name.
use crudauth::{AuthUser, PasswordHash, Principal, auth, require};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(scopes(default("read"), grantable("read", "reports:read", "reports:write")))]
    pub struct Auth<User>;
}

#[require(scope)]
async fn reports(_user: Principal<Auth>) {}

fn main() {}
