// What says who may call a handler comes first, before anything is read.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
}

auth! { pub struct Auth<User>; }

async fn pay(_: String, _: crudauth::Principal<Auth>) {}

fn main() {
    let _: crudauth::routing::Router<Auth> =
        crudauth::routing::Router::new().route("/pay", crudauth::routing::post(pay));
}
