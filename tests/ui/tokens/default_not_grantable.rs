// What is granted by default is grantable.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(scopes(default("reports:raed"), grantable("read", "reports:read")))]
    pub struct Auth<User>;
}

fn main() {}
