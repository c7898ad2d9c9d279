//! The same handlers for a browser with a cookie, for a command-line program with tokens, and for a machine with a key:
//! `cargo run --example web_and_api`. Register as below and open <http://127.0.0.1:3000>, or paste it all:
//!
//! ```sh
//! URL=http://127.0.0.1:3000
//! curl $URL/register --json '{"email":"ada@example.com","username":"ada","password":"correct horse battery"}'
//!
//! # A browser: a cookie, and the CSRF token with whatever changes something.
//! curl $URL/login -c jar.txt -d username=ada --data-urlencode 'password=correct horse battery'
//! CSRF="X-CSRF-Token: $(awk '/csrf_token/ {print $7}' jar.txt)"
//! curl $URL/notes -b jar.txt -H "$CSRF" --json '{"text":"by cookie"}'
//!
//! # A command-line program: it asks for a scope, and renews its token before a quarter of an hour is over.
//! field() { sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/"; }
//! TOKENS=$(curl $URL/token -d username=ada --data-urlencode 'password=correct horse battery' -d scope=reports:read)
//! TOKENS=$(curl $URL/refresh --json "{\"refresh_token\":\"$(echo "$TOKENS" | field refresh_token)\"}")
//! BEARER="Authorization: Bearer $(echo "$TOKENS" | field access_token)"
//! curl $URL/notes -H "$BEARER" --json '{"text":"by token"}'
//! curl $URL/reports -H "$BEARER"
//!
//! # A machine: a key that the browser makes, shown once.
//! KEY="X-API-Key: $(curl $URL/keys -b jar.txt -H "$CSRF" -X POST | field key)"
//! curl $URL/notes -H "$KEY"
//! curl $URL/reports -H "$KEY"
//! ```
//!
//! | variable | default |
//! |---|---|
//! | `DATABASE_URL` | `sqlite://web_and_api.db?mode=rwc` |
//! | `BIND` | `127.0.0.1:3000` |

#![allow(missing_docs, reason = "an application has no readers of its API")]
#![allow(
    clippy::disallowed_methods,
    reason = "the rule is the library's: what an application reads the time from is its own business"
)]

use std::env;

use axum::Json;
use axum::extract::Extension;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crudauth::routing::{Router, get, post};
use crudauth::transport::{Caller, OwnTransport, Parts};
use crudauth::{AuthUser, PasswordHash, Principal, Problem, auth, public, require};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::SqlitePool;
use tokio::net::TcpListener;

#[derive(Debug, Clone, AuthUser)]
#[auth(table = "users")]
pub struct User {
    pub id: i64,
    pub email: String,
    pub username: String,
    password_hash: PasswordHash,
    pub is_active: bool,
    token_version: i64,
}

auth! {
    #[session(danger_insecure_cookies)] // plain HTTP on this machine; leave the key out behind HTTPS
    #[bearer(refresh(deliver = "body"), scopes(grantable("reports:read")))]
    #[transport(ApiKeys)]
    pub struct Auth<User>;
}

/// However the caller came; a cookie that changes something needs the CSRF token, which is the library's business.
#[require]
async fn notes(
    user: Principal<Auth>,
    Extension(pool): Extension<SqlitePool>,
) -> Result<Json<Vec<String>>, Failure> {
    let found = sqlx::query_scalar("SELECT text FROM notes WHERE user_id = $1 ORDER BY id");
    Ok(Json(found.bind(user.id).fetch_all(&pool).await?))
}

#[derive(Deserialize)]
struct Note {
    text: String,
}

#[require]
async fn add_note(
    user: Principal<Auth>,
    Extension(pool): Extension<SqlitePool>,
    Json(note): Json<Note>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    sqlx::query("INSERT INTO notes (user_id, text) VALUES ($1, $2)")
        .bind(user.id)
        .bind(&note.text)
        .execute(&pool)
        .await?;
    let body = json!({ "text": note.text, "via": user.transport() });
    Ok((StatusCode::CREATED, Json(body)))
}

/// For programs that were granted it. A scope that the block does not declare would not compile.
#[require(scope("reports:read"))]
async fn reports(
    user: Principal<Auth>,
    Extension(pool): Extension<SqlitePool>,
) -> Result<Json<Value>, Failure> {
    let found = sqlx::query_scalar("SELECT count(*) FROM notes WHERE user_id = $1");
    let notes: i64 = found.bind(user.id).fetch_one(&pool).await?;
    Ok(Json(json!({ "notes": notes, "via": user.transport() })))
}

/// For people only: a key that could make keys would never end.
#[require(transport(session))]
async fn make_key(
    user: Principal<Auth>,
    Extension(pool): Extension<SqlitePool>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)?;
    let key = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret));
    sqlx::query(
        "INSERT INTO api_keys (digest, user_id, token_version, scopes, expires_at) VALUES ($1, $2, $3, $4, unixepoch() + $5)",
    )
    .bind(digest(&key))
    .bind(user.id)
    .bind(user.token_version)
    .bind("reports:read")
    .bind(KEY_LIFETIME)
    .execute(&pool)
    .await?;
    let body = json!({ "key": key, "expires_in": KEY_LIFETIME });
    Ok((StatusCode::CREATED, Json(body)))
}

#[require(transport(session))]
async fn revoke_keys(
    user: Principal<Auth>,
    Extension(pool): Extension<SqlitePool>,
) -> Result<StatusCode, Failure> {
    sqlx::query("DELETE FROM api_keys WHERE user_id = $1")
        .bind(user.id)
        .execute(&pool)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The application's own transport: a key in a header. The table has digests only. They need no salt and no slow hash,
/// because nobody guesses 256 random bits, and looking one up tells a stopwatch nothing about the key behind it.
#[derive(Debug)]
pub struct ApiKeys;

impl OwnTransport<Auth> for ApiKeys {
    const NAME: &'static str = "api_key";

    async fn authenticate(auth: &Auth, parts: &Parts) -> Result<Option<Caller<Auth>>, Problem> {
        let mut sent = parts.headers.get_all("x-api-key").iter();
        let key = match (sent.next(), sent.next()) {
            (None, _) => return Ok(None), // no credential of ours: the next transport is asked
            (Some(key), None) => key.to_str().map_err(|_| Problem::InvalidToken)?,
            (Some(_), Some(_)) => return Err(Problem::InvalidToken),
        };
        let pool = parts.extensions.get::<SqlitePool>();
        let found: Option<(i64, i64, String)> = sqlx::query_as(
            "SELECT user_id, token_version, scopes FROM api_keys WHERE digest = $1 AND expires_at > unixepoch()",
        )
        .bind(digest(key))
        .fetch_optional(pool.ok_or(Problem::Internal)?)
        .await
        .map_err(|_| Problem::Unavailable)?;
        let (owner, token_version, scopes) = found.ok_or(Problem::InvalidToken)?;
        let user = auth.users().find(&owner).await?;
        // A password change ends the account's keys with all else that was issued to it. Whether it is disabled is asked for us.
        let user = user.filter(|user| user.token_version == token_version);
        Ok(user.map(|user| Caller::new(user).scopes(scopes.split(' '))))
    }
}

fn digest(key: &str) -> Vec<u8> {
    Sha256::digest(key).to_vec()
}

/// By which scanners for leaked secrets know a key.
const PREFIX: &str = "notes_";
/// In seconds.
const KEY_LIFETIME: i64 = 90 * 24 * 60 * 60;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS api_keys (digest BLOB PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE, token_version INTEGER NOT NULL, scopes TEXT NOT NULL,
  expires_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS api_keys_by_user ON api_keys (user_id);
";

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = setting("DATABASE_URL", "sqlite://web_and_api.db?mode=rwc");
    let auth = Auth::connect(&url).create_users_table(true).await?;
    let pool = SqlitePool::connect(&url).await?;
    sqlx::raw_sql(TABLES).execute(&pool).await?;
    let app = Router::new()
        .route("/", get(page))
        .route("/page.js", get(script))
        .route("/notes", get(notes).post(add_note))
        .route("/reports", get(reports))
        .route("/keys", post(make_key).delete(revoke_keys))
        .mount(&auth)
        .layer(Extension(pool))
        .with_state(auth.clone());
    let listener = TcpListener::bind(setting("BIND", "127.0.0.1:3000")).await?;
    println!("{}", app.routes());
    println!("listening on http://{}", listener.local_addr()?);
    crudauth::serve(listener, app).await?;
    auth.shutdown().await;
    Ok(())
}

fn setting(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}

#[public]
async fn page() -> impl IntoResponse {
    let headers = [CONTENT_SECURITY, NO_SNIFFING];
    (headers, Html(include_str!("web_and_api/page.html")))
}

#[public]
async fn script() -> impl IntoResponse {
    let kind = (header::CONTENT_TYPE, "text/javascript; charset=utf-8");
    ([kind, NO_SNIFFING], include_str!("web_and_api/page.js"))
}

type Line = (header::HeaderName, &'static str);

const CONTENT_SECURITY: Line = (
    header::CONTENT_SECURITY_POLICY,
    "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const NO_SNIFFING: Line = (header::X_CONTENT_TYPE_OPTIONS, "nosniff");

/// What went wrong on our side: a line in the log, and nothing of it in the answer.
#[derive(Debug)]
struct Failure;

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        tracing::error!(%error, "a request failed");
        Self
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> axum::response::Response {
        Problem::Internal.into_response()
    }
}
