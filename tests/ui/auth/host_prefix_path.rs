// A `__Host-` cookie has the path "/".
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[session(host_prefix, path = "/app")]
    pub struct Auth<User>;
}

fn main() {}
