//! The routes, on the pool and with the statements of the product that loads this file.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use axum::extract::{FromRequestParts, State};
use axum::http::header::{CACHE_CONTROL, COOKIE, SET_COOKIE, USER_AGENT, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use sqlx::{FromRow, Row as _};
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::{BEGIN, CLEAR_ATTEMPTS, MAKE_ROOM, Pool, Row};

mod tokens;

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
const IDLE: i64 = 30 * MINUTE;
const ABSOLUTE: i64 = 12 * HOUR;
const REMEMBERED: i64 = 30 * 24 * HOUR;
const MAX_ATTEMPTS: i64 = 5;
const MAX_SESSIONS: i64 = 5;
const SIGN_UPS_AN_HOUR: i64 = 1_000_000; // the benchmark signs up more often than any address may

#[derive(Clone)]
struct App(Arc<Inner>);

struct Inner {
    pool: Pool,
    /// Prepared once, as in the library.
    key: Hmac<Sha256>,
    tokens: tokens::Keys,
    hashing: Semaphore,
}

/// The application, on a database that has its tables.
pub fn app(pool: Pool) -> Router {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let app = App(Arc::new(Inner {
        pool,
        key: Hmac::new_from_slice(&random::<32>()).unwrap(),
        tokens: tokens::Keys::random(),
        hashing: Semaphore::new(cores),
    }));
    Router::new()
        .route("/bare", get(bare))
        .route("/dashboard", get(dashboard))
        .route("/register", post(register))
        .route("/login", post(login))
        .route("/claims", get(tokens::claims))
        .route("/machine", get(tokens::machine))
        .route("/token", post(tokens::sign_in))
        .route("/refresh", post(tokens::refresh))
        .with_state(app)
}

#[derive(Debug)]
enum Failure {
    Status(StatusCode, &'static str),
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, detail) = match self {
            Self::Status(status, detail) => (status, detail),
            Self::Database(error) => {
                tracing::error!(%error, "the database failed");
                (StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
            }
        };
        (status, Json(serde_json::json!({ "detail": detail }))).into_response()
    }
}

const UNAUTHORIZED: Failure = Failure::Status(StatusCode::UNAUTHORIZED, "Not authenticated");
const INTERNAL: Failure =
    Failure::Status(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error");

struct User {
    id: i64,
    #[expect(dead_code, reason = "part of the account that a handler gets")]
    email: String,
    username: String,
    password_hash: String,
    is_active: bool,
    #[expect(dead_code, reason = "part of the account that a handler gets")]
    is_superuser: bool,
    #[expect(dead_code, reason = "part of the account that a handler gets")]
    email_verified: bool,
    token_version: i64,
    #[expect(dead_code, reason = "part of the account that a handler gets")]
    created_at: OffsetDateTime,
    #[expect(dead_code, reason = "part of the account that a handler gets")]
    updated_at: OffsetDateTime,
}

// What `#[derive(FromRow)]` writes; by hand, because the derive would switch on more of sqlx for the whole workspace.
impl<'r> FromRow<'r, Row> for User {
    fn from_row(row: &'r Row) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            email: row.try_get("email")?,
            username: row.try_get("username")?,
            password_hash: row.try_get("password_hash")?,
            is_active: row.try_get("is_active")?,
            is_superuser: row.try_get("is_superuser")?,
            email_verified: row.try_get("email_verified")?,
            token_version: row.try_get("token_version")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

/// A session and its account, as the guard needs them.
struct Session {
    csrf: Vec<u8>,
    bound_to: i64,
    last_activity: i64,
    expires_at: i64,
    absolute_at: i64,
    idle: i64, // longer where the client asked to be remembered
    user: User,
}

impl<'r> FromRow<'r, Row> for Session {
    fn from_row(row: &'r Row) -> sqlx::Result<Self> {
        Ok(Self {
            csrf: row.try_get("csrf")?,
            bound_to: row.try_get("bound_to")?,
            last_activity: row.try_get("last_activity")?,
            expires_at: row.try_get("expires_at")?,
            absolute_at: row.try_get("absolute_at")?,
            idle: row.try_get("idle")?,
            user: User::from_row(row)?,
        })
    }
}

impl FromRequestParts<App> for Session {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let cookie = cookie(&parts.headers, "session_id").ok_or(UNAUTHORIZED)?;
        let key = app.0.mac(cookie);
        let found: Option<Self> = sqlx::query_as(
            "SELECT s.csrf, s.token_version AS bound_to, s.last_activity, s.expires_at, s.absolute_at, s.idle, u.* \
             FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1",
        )
        .bind(&key[..])
        .fetch_optional(&app.0.pool)
        .await?;
        let (session, now) = (found.ok_or(UNAUTHORIZED)?, now());
        let user = &session.user;
        if session.expires_at.min(session.absolute_at) <= now
            || session.bound_to != user.token_version
            || !user.is_active
        {
            return Err(UNAUTHORIZED);
        }
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            let sent = parts
                .headers
                .get("x-csrf-token")
                .and_then(|token| token.to_str().ok());
            if sent.is_none_or(|token| app.0.mac(token)[..] != session.csrf) {
                return Err(Failure::Status(StatusCode::FORBIDDEN, "CSRF token invalid"));
            }
        }
        if session.last_activity <= now - MINUTE {
            sqlx::query("UPDATE sessions SET last_activity = $2, expires_at = $3 WHERE id = $1 AND last_activity <= $4")
                .bind(&key[..])
                .bind(now)
                .bind((now + session.idle).min(session.absolute_at))
                .bind(now - MINUTE)
                .execute(&app.0.pool)
                .await?;
        }
        Ok(session)
    }
}

async fn bare() -> &'static str {
    "ok"
}

#[derive(Serialize)]
struct Id {
    id: i64,
}

async fn dashboard(session: Session) -> Json<Id> {
    Json(Id {
        id: session.user.id,
    })
}

#[derive(Deserialize)]
struct SignUp {
    email: String,
    username: String,
    password: String,
}

async fn register(
    State(app): State<App>,
    headers: HeaderMap,
    Json(body): Json<SignUp>,
) -> Result<Response, Failure> {
    same_site(&headers)?;
    let email = body.email.trim().to_lowercase();
    let folded = body.username.to_lowercase();
    let fits = body.password.chars().count() >= 8 && body.password.len() <= 1024;
    if !fits || !email.contains('@') || email.len() > 320 || body.username.len() > 64 {
        return Err(Failure::Status(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Invalid input",
        ));
    }
    let hour = now() / HOUR * HOUR;
    let hits: i64 = sqlx::query_scalar(
        "INSERT INTO limits AS l (id, window_start, hits) VALUES ($1, $2, 1) ON CONFLICT (id) DO UPDATE SET \
         hits = CASE WHEN l.window_start = $2 THEN l.hits + 1 ELSE 1 END, window_start = $2 RETURNING hits",
    )
    .bind(&app.0.mac("register unknown")[..])
    .bind(hour)
    .fetch_one(&app.0.pool)
    .await?;
    if hits > SIGN_UPS_AN_HOUR {
        return Err(Failure::Status(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many requests",
        ));
    }
    let hash = app.hash(body.password).await?;
    let taken: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM users WHERE email = $1) + (SELECT count(*) FROM usernames WHERE folded = $2)",
    )
    .bind(&email)
    .bind(&folded)
    .fetch_one(&app.0.pool)
    .await?;
    if taken > 0 {
        return Err(Failure::Status(StatusCode::CONFLICT, "Already registered"));
    }
    let mut tx = app.0.pool.begin_with(BEGIN).await?;
    let instant = OffsetDateTime::from_unix_timestamp_nanos(i128::from(now()) * 1000)
        .map_err(|_| INTERNAL)?;
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO users (email, username, password_hash, is_active, is_superuser, email_verified, token_version, \
         created_at, updated_at) VALUES ($1, $2, $3, true, false, false, $5, $4, $4) RETURNING id",
    )
    .bind(&email)
    .bind(&body.username)
    .bind(hash)
    .bind(instant)
    .bind(i64::from_le_bytes(random()) & (i64::MAX >> 12)) // no account inherits the tokens of one that is gone
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query("INSERT INTO usernames (folded, user_id) VALUES ($1, $2)")
        .bind(&folded)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(private(
        Json(serde_json::json!({ "id": id, "email": email, "username": body.username }))
            .into_response(),
    ))
}

#[derive(Deserialize)]
struct Credentials {
    username: String,
    password: String,
    #[serde(default)]
    remember_me: bool,
}

#[derive(Serialize)]
struct LoggedIn<'a> {
    id: i64,
    username: &'a str,
    csrf_token: &'a str,
}

async fn login(
    State(app): State<App>,
    headers: HeaderMap,
    Form(form): Form<Credentials>,
) -> Result<Response, Failure> {
    same_site(&headers)?;
    let by = if form.username.contains('@') {
        "SELECT * FROM users WHERE email = $1"
    } else {
        "SELECT * FROM users WHERE username = $1"
    };
    let found: Option<User> = sqlx::query_as(by)
        .bind(&form.username)
        .fetch_optional(&app.0.pool)
        .await?;
    let buckets = buckets(&app, found.as_ref(), &form.username);
    app.count_attempt(&buckets).await?;
    let hash = found.as_ref().map(|user| user.password_hash.clone());
    let right = app.verify(form.password, hash).await?;
    let Some(user) = found.filter(|user| right && user.is_active) else {
        return Err(Failure::Status(
            StatusCode::UNAUTHORIZED,
            "Incorrect username or password",
        ));
    };
    let (idle, absolute) = if form.remember_me {
        (REMEMBERED, REMEMBERED)
    } else {
        (IDLE, ABSOLUTE)
    };
    let (id, csrf, nonce) = (token(), token(), token());
    let device = format!(
        "{nonce}.{}",
        hex(&app.0.mac(&format!("{}\0{nonce}", user.id)))
    );
    let now = now();
    let mut tx = app.0.pool.begin_with(BEGIN).await?;
    sqlx::query(CLEAR_ATTEMPTS)
        .bind(&buckets[0][..])
        .bind(&buckets[1][..])
        .bind(&buckets[2][..])
        .execute(&mut *tx)
        .await?;
    let presented = cookie(&headers, "session_id")
        .map(|id| app.0.mac(id))
        .unwrap_or_default();
    sqlx::query(MAKE_ROOM)
        .bind(&presented[..])
        .bind(user.id)
        .bind(now)
        .bind(MAX_SESSIONS - 1)
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "INSERT INTO sessions (id, user_id, csrf, token_version, created_at, last_activity, expires_at, absolute_at, \
         idle, ip, user_agent) VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10)",
    )
    .bind(&app.0.mac(&id)[..])
    .bind(user.id)
    .bind(&app.0.mac(&csrf)[..])
    .bind(user.token_version)
    .bind(now)
    .bind(now + idle)
    .bind(now + absolute)
    .bind(idle)
    .bind(None::<String>)
    .bind(headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()))
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    let mut response = Json(LoggedIn {
        id: user.id,
        username: &user.username,
        csrf_token: &csrf,
    })
    .into_response();
    for cookie in [
        format!("session_id={id}; HttpOnly; Path=/; SameSite=lax; Secure"),
        format!("csrf_token={csrf}; Path=/; SameSite=lax; Secure"),
        format!("device_id={device}; HttpOnly; Max-Age=34560000; Path=/; SameSite=lax; Secure"),
    ] {
        response.headers_mut().append(
            SET_COOKIE,
            HeaderValue::try_from(cookie).map_err(|_| INTERNAL)?,
        );
    }
    Ok(private(response))
}

/// What an attempt counts against: the address, the account, and both together.
fn buckets(app: &App, found: Option<&User>, identifier: &str) -> [[u8; 32]; 3] {
    let account = found.map_or_else(|| identifier.to_lowercase(), |user| user.id.to_string());
    let ip = "unknown";
    [
        app.0.mac(ip),
        app.0.mac(&account),
        app.0.mac(&format!("{ip}\0{account}")),
    ]
}

impl App {
    /// Counts an attempt before the password is looked at, for the address, the account and both together.
    async fn count_attempt(&self, [address, account, pair]: &[[u8; 32]; 3]) -> Result<(), Failure> {
        let now = now();
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "INSERT INTO attempts AS a (id, window_start, failures, locked_until, expires_at) \
             VALUES ($1, $4, 1, 0, $6), ($2, $4, 1, 0, $6), ($3, $4, 1, 0, $6) ON CONFLICT (id) DO UPDATE SET \
             failures = CASE WHEN a.window_start <= $5 THEN 1 ELSE a.failures + 1 END, \
             window_start = CASE WHEN a.window_start <= $5 THEN $4 ELSE a.window_start END, \
             locked_until = CASE WHEN a.window_start > $5 AND a.failures >= $7 THEN $6 ELSE a.locked_until END, \
             expires_at = $6 RETURNING failures, locked_until",
        )
        .bind(&address[..])
        .bind(&account[..])
        .bind(&pair[..])
        .bind(now)
        .bind(now - MINUTE)
        .bind(now + MINUTE)
        .bind(MAX_ATTEMPTS)
        .fetch_all(&self.0.pool)
        .await?;
        if rows
            .iter()
            .any(|(failures, locked_until)| *failures > MAX_ATTEMPTS || *locked_until > now)
        {
            return Err(Failure::Status(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many attempts",
            ));
        }
        Ok(())
    }

    async fn hash(&self, password: String) -> Result<String, Failure> {
        let _permit = self.0.hashing.acquire().await.map_err(|_| INTERNAL)?;
        let salt: [u8; 16] = random();
        let done = spawn_blocking(move || {
            Argon2::default()
                .hash_password_with_salt(password.as_bytes(), &salt)
                .map(|hash| hash.to_string())
        });
        done.await.map_err(|_| INTERNAL)?.map_err(|_| INTERNAL)
    }

    async fn verify(&self, password: String, stored: Option<String>) -> Result<bool, Failure> {
        let _permit = self.0.hashing.acquire().await.map_err(|_| INTERNAL)?;
        let done = spawn_blocking(move || {
            let password = password.as_bytes();
            if let Some(Ok(hash)) = stored.as_deref().map(PasswordHash::new) {
                return Argon2::default().verify_password(password, &hash).is_ok();
            }
            let _ = Argon2::default().hash_password_with_salt(password, &[0; 16]);
            false
        });
        done.await.map_err(|_| INTERNAL)
    }
}

impl Inner {
    fn mac(&self, text: &str) -> [u8; 32] {
        let mut mac = self.key.clone();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

fn same_site(headers: &HeaderMap) -> Result<(), Failure> {
    match headers.get("sec-fetch-site") {
        Some(site) if site == "cross-site" => {
            Err(Failure::Status(StatusCode::FORBIDDEN, "Cross-site request"))
        }
        _ => Ok(()),
    }
}

/// The headers of an answer that may hold a credential.
fn private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("Cookie"));
    if let Ok(id) = HeaderValue::try_from(Uuid::new_v4().to_string()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    response
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let mut pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn now() -> i64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "this application has no clock of its own"
    )]
    let since = std::time::SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

fn token() -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random::<32>())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
