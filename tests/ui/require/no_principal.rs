// A guard needs a principal or an authority.
use crudauth::{AuthUser, PasswordHash, auth, require};

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

#[require(verified)]
async fn pay() {}

fn main() {}
