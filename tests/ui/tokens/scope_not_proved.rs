// A scope that was never checked cannot be handed on.
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

#[require(scope("reports:write"))]
fn publish(_by: &Principal<Auth>) {}

#[require(scope("reports:read"))]
async fn handler(user: Principal<Auth>) {
    publish(&user);
}

fn main() {}
