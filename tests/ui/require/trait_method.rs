// A guard does not stand on a trait method.
use crudauth::{AuthUser, PasswordHash, Principal, auth, require};

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

trait Pay {
    #[require(verified)]
    fn pay(&self, by: &Principal<Auth>);
}

fn main() {}
