// A forbidden word of three letters refuses honest passwords.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[password(words("abc"))]
    pub struct Auth<User>;
}

fn main() {}
