// A route that could do nothing is not mounted.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(refresh = "off", revocation)]
    pub struct Auth<User>;
}

fn main() {}
