// `public` asks for nobody.
use crudauth::{AuthUser, PasswordHash, Principal, auth, public};

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

#[public]
async fn landing(_user: Principal<Auth>) {}

fn main() {}
