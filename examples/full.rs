//! The reference server with everything switched on, configured by the environment:
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `BIND` | `127.0.0.1:8000` | where to listen |
//! | `DATABASE_URL` | `sqlite://full.db?mode=rwc` | the database; `postgres://…` for one on a server |
//! | `SECRET_KEY` | random in a debug build | at least 32 bytes, or several separated by commas |
//! | `JWT_SECRET` | derived from `SECRET_KEY` | the HS256 key of access tokens, as it stands: at least 32 bytes |
//! | `PUBLIC_URL` | `http://localhost:8000`, for providers only | the application's origin; without it a request's own host is compared |
//! | `FRONTEND_URL` | `http://localhost:8000` | where every mailed link begins |
//! | `OUTBOX` | none | messages are appended to this file, one JSON object on a line; without it they are printed |
//! | `OIDC_ISSUER` | `http://127.0.0.1:9400` | the OpenID provider `fake`; by default the one of `examples/openid_provider` |
//! | `OIDC_CLIENT_ID`, `OIDC_CLIENT_SECRET` | those of that example | what the provider gave the application |
//! | `RATE_LIMITS` | on | `off` switches limits and lockout off, for load measurement |
//!
//! `RATE_LIMITS=off` is without the limits per recipient too: whoever measures asks for one mailbox a thousand times, and
//! would count answers behind which nothing was sent. So anybody can fill anybody's mailbox by this server then.
//!
//! ```sh
//! OUTBOX=outbox.jsonl cargo run --example full
//! curl localhost:8000/register --json '{"email":"ada@example.com","username":"ada","password":"correct horse battery"}'
//! curl localhost:8000/login -c jar.txt -d username=ada --data-urlencode 'password=correct horse battery'
//! TOKEN=$(sed -n 's/.*"link":"[^"]*?token=\([^"]*\)".*/\1/p' outbox.jsonl | tail -n 1)
//! curl localhost:8000/email/verify-confirm --json "{\"token\":\"$TOKEN\"}"
//! ```
//!
//! Cookies keep `Secure` on loopback too: curl sends them over plain HTTP only to `localhost`-like hosts in recent
//! versions; a script passes them on by hand.

use axum::Json;
use crudauth::jwt::SigningKeys;
use crudauth::mail::{ConsoleMailer, JsonLinesMailer, Mailer};
use crudauth::oauth::Credentials;
use crudauth::routing::{Router, get, post};
use crudauth::{AuthUser, PasswordHash, Principal, auth, public, require};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// The account table, with the contract's column names.
#[derive(Debug, Clone, AuthUser)]
#[auth(table = "users")]
pub struct User {
    /// Numbered by the database.
    pub id: i64,
    /// Canonical.
    pub email: String,
    /// As typed.
    pub username: String,
    password_hash: PasswordHash,
    /// May sign in.
    pub is_active: bool,
    /// Passes `superuser`.
    pub is_superuser: bool,
    /// Passes `verified`.
    pub email_verified: bool,
    token_version: i64,
    /// Sign-up.
    pub created_at: OffsetDateTime,
    /// Last change.
    pub updated_at: OffsetDateTime,
}

auth! {
    #[session(management)]
    #[bearer(scopes(grantable("reports:read")))]
    #[email]
    #[sudo(route)]
    #[oauth(oidc("fake"), default_redirect = "/landing")]
    #[database(sqlite, postgres)]
    pub struct Auth<User>;
}

#[public]
async fn bare() -> &'static str {
    "ok"
}

#[public]
async fn landing() -> &'static str {
    "landing"
}

#[require]
async fn dashboard(user: Principal<Auth>) -> Json<Value> {
    Json(json!({ "id": user.id }))
}

#[require(verified)]
async fn billing(user: Principal<Auth>) -> Json<Value> {
    Json(json!({ "id": user.id }))
}

#[require(superuser)]
async fn admin(user: Principal<Auth>) -> Json<Value> {
    Json(json!({ "id": user.id }))
}

#[require(sudo)]
async fn danger(user: Principal<Auth>) -> Json<Value> {
    Json(json!({ "id": user.id }))
}

#[require(scope("reports:read"))]
async fn reports(user: Principal<Auth>) -> Json<Value> {
    Json(json!({ "id": user.id }))
}

async fn maybe(user: Option<Principal<Auth>>) -> Json<Value> {
    Json(json!({ "id": user.map(|user| user.id) }))
}

fn given(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn setting(name: &str, default: &str) -> String {
    given(name).unwrap_or_else(|| default.to_owned())
}

fn mailer() -> crudauth::Result<Box<dyn Mailer>> {
    Ok(match given("OUTBOX") {
        Some(path) => Box::new(JsonLinesMailer::to(path)?),
        None => Box::new(ConsoleMailer::new()),
    })
}

/// What the provider gave the application, and where it is. Who names a client of their own and no secret has a public one.
fn fake() -> Credentials {
    let credentials = match given("OIDC_CLIENT_ID") {
        Some(id) => Credentials::new(id, given("OIDC_CLIENT_SECRET").unwrap_or_default()),
        None => Credentials::new("demo-client", "demo-secret:with/every+sign%that=matters"),
    };
    credentials.issuer(setting("OIDC_ISSUER", "http://127.0.0.1:9400"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr);
    log.with_max_level(tracing::Level::WARN).init();
    let mut builder = Auth::connect(setting("DATABASE_URL", "sqlite://full.db?mode=rwc"))
        .create_users_table(true)
        .frontend_url(setting("FRONTEND_URL", "http://localhost:8000"))
        .mailer(mailer()?)
        .public_url(setting("PUBLIC_URL", "http://localhost:8000"))
        .oidc("fake", fake());
    if let Some(secret) = given("JWT_SECRET") {
        builder = builder.signing_keys(SigningKeys::hs256(secret)?);
    }
    if let Some(origin) = given("PUBLIC_URL") {
        builder = builder.origin(origin);
    }
    if setting("RATE_LIMITS", "on") == "off" {
        builder = builder.danger_no_limits();
    }
    let auth = builder.await?;
    let app = Router::new()
        .route("/bare", get(bare))
        .route("/landing", get(landing))
        .route("/dashboard", get(dashboard))
        .route("/billing", get(billing))
        .route("/admin", get(admin))
        .route("/danger", post(danger))
        .route("/maybe", get(maybe))
        .route("/reports", get(reports))
        .mount(&auth)
        .with_state(auth.clone());
    let listener = tokio::net::TcpListener::bind(setting("BIND", "127.0.0.1:8000")).await?;
    println!(
        "{}\nlistening on http://{}",
        app.routes(),
        listener.local_addr()?
    );
    crudauth::serve(listener, app).await?;
    auth.shutdown().await;
    Ok(())
}
