// Where no guard stands above it, the route says so.
use crudauth::{AuthUser, PasswordHash, auth, bearer::AccessToken};

#[derive(AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[bearer]
    pub struct Auth<User>;
}

async fn feed(_token: AccessToken<Auth>) {}

fn mount() -> crudauth::routing::Router<Auth> {
    crudauth::routing::Router::new().route("/feed", crudauth::routing::get(feed))
}

fn main() {}
