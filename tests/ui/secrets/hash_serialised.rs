// A password hash cannot be serialised, so no answer can carry one.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
}

auth! { pub struct Auth<User>; }

fn needs_serialize<T: serde::Serialize>() {}

fn main() {
    needs_serialize::<PasswordHash>();
}
