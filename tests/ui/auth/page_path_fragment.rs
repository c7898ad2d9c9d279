// The links have a fragment of their own.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    #[email(undo_path = "/#/undo")]
    pub struct Auth<User>;
}

fn main() {}
