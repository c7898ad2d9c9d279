// An access token alone is no session, so it proves no sudo.
use crudauth::bearer::AccessToken;
use crudauth::{AuthUser, PasswordHash, auth, require};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    token_version: i64,
}

auth! {
    #[session]
    #[bearer(check = "stateless")]
    #[sudo]
    pub struct Auth<User>;
}

#[require(sudo)]
async fn wipe(_token: AccessToken<Auth>) {}

fn main() {}
