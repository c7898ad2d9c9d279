// A session cookie is not for other sites.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[session(same_site = "none")]
    pub struct Auth<User>;
}

fn main() {}
