// Browsers drop such a cookie.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(refresh(same_site = "none", danger_insecure_cookies))]
    pub struct Auth<User>;
}

fn main() {}
