// An idle limit above the absolute one never ends anything.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[session(idle = "13h")]
    pub struct Auth<User>;
}

fn main() {}
