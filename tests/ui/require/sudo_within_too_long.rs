// Nothing is proven for longer than an elevation lasts.
use crudauth::{AuthUser, PasswordHash, Principal, auth, require};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[sudo]
    pub struct Auth<User>;
}

#[require(sudo(within = "6m"))]
async fn wipe(_user: Principal<Auth>) {}

fn main() {}
