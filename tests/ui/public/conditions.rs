// `public` takes no conditions.
use crudauth::{AuthUser, PasswordHash, auth, public};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    email_verified: bool,
    is_superuser: bool,
}

auth! {
    pub struct Auth<User>;
}

#[public(verified)]
async fn landing() {}

fn main() {}
