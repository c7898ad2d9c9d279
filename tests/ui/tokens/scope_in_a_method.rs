// In an `impl` block too.
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

pub struct Api;

impl Api {
    #[require(scope("raed"))]
    pub async fn list(_user: Principal<Auth>) {}
}

fn main() {}
