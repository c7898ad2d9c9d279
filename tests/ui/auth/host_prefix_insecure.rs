// A `__Host-` cookie is `Secure`.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[session(host_prefix, danger_insecure_cookies)]
    pub struct Auth<User>;
}

fn main() {}
