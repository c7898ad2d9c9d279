// The word that others use for it is not the word here.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[database(sqlite, postgresql)]
    pub struct Auth<User>;
}

fn main() {}
