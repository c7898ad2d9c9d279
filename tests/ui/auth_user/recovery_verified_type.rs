// By its name this says whether the number is proven.
use crudauth::{AuthUser, PasswordHash};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    #[auth(recovery)]
    phone: String,
    phone_verified: i64,
    password_hash: PasswordHash,
}

fn main() {}
