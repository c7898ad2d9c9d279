// A token is of an authority with tokens.
use crudauth::{AuthUser, PasswordHash, auth, bearer::AccessToken, require};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    pub struct Auth<User>;
}

#[require]
async fn feed(_token: AccessToken<Auth>) {}

fn main() {}
