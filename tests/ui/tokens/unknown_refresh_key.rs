// A typo in a key of a group names the group and the key.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(refresh(delivr = "body"))]
    pub struct Auth<User>;
}

fn main() {}
