// Short passwords are spelled as the danger they are.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[password(min = 6)]
    pub struct Auth<User>;
}

fn main() {}
