// A key that is not known names the nearest.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
}

auth! {
    #[sudo(tll = "5m")]
    pub struct Auth<User>;
}

fn main() {}
