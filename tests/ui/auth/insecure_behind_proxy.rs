// Insecure cookies are for a laptop.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[session(danger_insecure_cookies)]
    #[proxy(trusted_hops = 1)]
    pub struct Auth<User>;
}

fn main() {}
