// A path that does not begin with `/` becomes a part of the host.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    #[email(reset_path = "reset")]
    pub struct Auth<User>;
}

fn main() {}
