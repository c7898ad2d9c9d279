// Only mail changes an address.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
    email_verified: bool,
}

auth! {
    #[channel(undo_path = "/undo")]
    pub struct Auth<User>;
}

fn main() {}
