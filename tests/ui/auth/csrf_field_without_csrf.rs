// A field for a token that is off is a contradiction.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[session(csrf_field = "csrf", danger_no_csrf)]
    pub struct Auth<User>;
}

fn main() {}
