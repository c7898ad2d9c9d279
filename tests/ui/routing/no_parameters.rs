// A handler without parameters does not say who may call it either.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
}

auth! { pub struct Auth<User>; }

async fn home() -> &'static str {
    "home"
}

fn main() {
    let _: crudauth::routing::Router<Auth> =
        crudauth::routing::Router::new().route("/", crudauth::routing::get(home));
}
