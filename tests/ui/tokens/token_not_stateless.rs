// A block says that a token may answer by itself.
use crudauth::{AuthUser, PasswordHash, auth, bearer::AccessToken, require};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(scopes(default("read")))]
    pub struct Auth<User>;
}

#[require(scope("read"))]
async fn feed(_token: AccessToken<Auth>) {}

fn main() {}
