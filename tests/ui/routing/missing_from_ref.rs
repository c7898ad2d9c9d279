// An application state of its own must say where the authority is found in it.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
}

auth! { pub struct Auth<User>; }

#[derive(Clone)]
struct App;

#[crudauth::require]
async fn pay(_user: crudauth::Principal<Auth>) {}

fn main() {
    let _: crudauth::routing::Router<App> =
        crudauth::routing::Router::new().route("/pay", crudauth::routing::post(pay));
}
