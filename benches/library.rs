//! The same routes, declared.

use axum::Json;
use crudauth::bearer::AccessToken;
use crudauth::routing::{Router, get};
use crudauth::{AuthUser, PasswordHash, Principal, auth, public, require};
use serde::Serialize;
use time::OffsetDateTime;

/// The account table of the hand-written application.
#[derive(Debug, Clone, AuthUser)]
#[allow(dead_code, reason = "what an application has in its table")]
#[auth(table = "users")]
pub struct User {
    id: i64,
    email: String,
    username: String,
    password_hash: PasswordHash,
    is_active: bool,
    is_superuser: bool,
    email_verified: bool,
    token_version: i64,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

auth! {
    #[database(sqlite, postgres)]
    #[session]
    #[bearer(check = "stateless", refresh(deliver = "body"))]
    #[rate_limit(register = "1000000/h")] // the benchmark signs up more often than any address may
    pub struct Auth<User>;
}

#[public]
async fn bare() -> &'static str {
    "ok"
}

#[derive(Serialize)]
struct Id {
    id: i64,
}

#[require]
async fn dashboard(user: Principal<Auth>) -> Json<Id> {
    Json(Id { id: user.id })
}

#[require]
async fn claims(token: AccessToken<Auth>) -> Json<Id> {
    Json(Id {
        id: *token.user_id(),
    })
}

#[require(transport(bearer))]
async fn machine(user: Principal<Auth>) -> Json<Id> {
    Json(Id { id: user.id })
}

/// The application, on a database that is empty so far.
pub async fn app(url: &str) -> axum::Router {
    let auth = Auth::connect(url)
        .secret("nK3-vQ8_wX2tRz7LmY5pBc9HdJf4sGa6")
        .create_users_table(true);
    let auth = auth.await.unwrap();
    Router::new()
        .route("/bare", get(bare))
        .route("/dashboard", get(dashboard))
        .route("/claims", get(claims))
        .route("/machine", get(machine))
        .mount(&auth)
        .with_state(auth)
        .into()
}
