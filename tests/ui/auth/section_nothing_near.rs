// A word far from all sections lists them.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[kerberos]
    pub struct Auth<User>;
}

fn main() {}
