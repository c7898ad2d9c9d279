// Taking responsibility takes a reason.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[allow(insecure_cookies_behind_proxy)]
    pub struct Auth<User>;
}

fn main() {}
