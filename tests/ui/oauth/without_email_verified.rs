// Nobody is linked to an account whose address may be somebody else's.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    #[auth(recovery)]
    phone: String,
    phone_verified: bool,
    password_hash: PasswordHash,
}

auth! {
    #[oauth(google)]
    pub struct Auth<User>;
}

fn main() {}
