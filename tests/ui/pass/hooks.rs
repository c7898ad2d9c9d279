// Hooks by their type.
use crudauth::{AuthUser, Hooks, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

pub struct MyHooks;

impl Hooks<User> for MyHooks {}

auth! {
    #[hooks(MyHooks)]
    pub struct Auth<User>;
}

pub fn main() {}
