// Only the mark makes a field what recovers a password.
use crudauth::{AuthUser, HasRecovery, HasVerified, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    username: String,
    password_hash: PasswordHash,
    recovery: Option<i64>,
    recovery_verified: Option<String>,
    #[auth(recovery)]
    pager: Option<String>,
    #[auth(own)]
    pager_verified: Option<i64>,
    #[auth(recovery_verified)]
    proven: bool,
}

fn recovers<U: HasRecovery + HasVerified>() {}

auth! {
    pub struct Auth<User>;
}

pub fn main() {
    recovers::<User>();
}
