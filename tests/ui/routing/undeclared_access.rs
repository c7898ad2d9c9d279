// A handler in our router says who may call it, or it does not compile.
use crudauth::{AuthUser, PasswordHash, auth};

#[derive(AuthUser)]
pub struct User {
    pub id: i64,
    pub email: String,
    password_hash: PasswordHash,
}

auth! { pub struct Auth<User>; }

async fn pay(axum::Json(_amount): axum::Json<u64>) {}

fn main() {
    let _: crudauth::routing::Router<Auth> =
        crudauth::routing::Router::new().route("/pay", crudauth::routing::post(pay));
}
