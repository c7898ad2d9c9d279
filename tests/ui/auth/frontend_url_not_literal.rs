// The value is read when the code is compiled.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    #[email(frontend_url = FRONTEND)]
    pub struct Auth<User>;
}

fn main() {}
