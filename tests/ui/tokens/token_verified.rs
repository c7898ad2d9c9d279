// A token knows nothing of the account.
use crudauth::{AuthUser, PasswordHash, auth, bearer::AccessToken, require};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer(check = "stateless")]
    pub struct Auth<User>;
}

#[require(verified)]
async fn feed(_token: AccessToken<Auth>) {}

fn main() {}
