// The paths tell providers apart by their names.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[oauth(oidc("corp"), provider("corp"))]
    pub struct Auth<User>;
}

fn main() {}
