// A limit is requests per time.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[rate_limit(register = "5")]
    pub struct Auth<User>;
}

fn main() {}
