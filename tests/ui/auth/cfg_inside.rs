// `cfg` is not evaluated inside a macro.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[cfg(test)]
    pub struct Auth<User>;
}

fn main() {}
