// Every mistake of a section is told in one run.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(access = "5", refresh(grace = 10, pth = "/"), scopes(grantable("a b")))]
    #[transport("ApiKeys")]
    pub struct Auth<User>;
}

fn main() {}
