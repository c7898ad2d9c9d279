//! One application under test: a real router over a real SQLite file, a clock that the test moves, a client with a
//! cookie jar. Every test file declares this module; not every file uses all of it.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "shared by test binaries that each use a part"
)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use crudauth::testing::{Clock, TestBuilder};
use crudauth::{AuthUser, PasswordHash, Principal, auth, require};
use serde_json::Value;
use sqlx::SqlitePool;
use tower::ServiceExt;

pub const SECRET: &str = "tests only: 32 bytes and some more of them";
pub const PASSWORD: &str = "correct horse battery";
pub const FORM: &str = "application/x-www-form-urlencoded";
pub const JSON: &str = "application/json";

#[derive(Debug, Clone, AuthUser)]
#[auth(table = "users")]
pub struct User {
    pub id: i64,
    pub email: String,
    pub username: String,
    password_hash: PasswordHash,
    pub email_verified: bool,
    pub is_active: bool,
    pub is_superuser: bool,
    token_version: i64,
    #[auth(register)]
    pub full_name: Option<String>,
    #[auth(default = "free")]
    pub plan: String,
}

auth! {
    #[session(management)]
    pub struct Auth<User>;
}

#[require]
async fn dashboard(user: Principal<Auth>) -> axum::Json<Value> {
    axum::Json(serde_json::json!({ "id": user.id }))
}

#[require(verified)]
async fn billing(user: Principal<Auth>) -> axum::Json<Value> {
    axum::Json(serde_json::json!({ "id": user.id }))
}

#[require(superuser)]
async fn admin(user: Principal<Auth>) -> axum::Json<Value> {
    axum::Json(serde_json::json!({ "id": user.id }))
}

async fn maybe(user: Option<Principal<Auth>>) -> axum::Json<Value> {
    axum::Json(serde_json::json!({ "id": user.map(|user| user.id) }))
}

/// A handler that reads a body: the guard must have answered before that.
#[require(verified)]
async fn upload(user: Principal<Auth>, body: Bytes) -> axum::Json<Value> {
    axum::Json(serde_json::json!({ "id": user.id, "bytes": body.len() }))
}

pub fn routes(auth: &Auth) -> axum::Router {
    use crudauth::routing::{Router, get, post};
    Router::new()
        .route("/dashboard", get(dashboard).post(dashboard))
        .route("/billing", get(billing))
        .route("/admin", get(admin))
        .route("/maybe", get(maybe).post(maybe))
        .route("/upload", post(upload))
        .mount(auth)
        .with_state(auth.clone())
        .into_axum()
}

/// A database file of its own for each test, removed at the end.
#[derive(Debug)]
pub struct TempDb(PathBuf);

impl TempDb {
    pub fn new() -> Self {
        let name = format!("crudauth-{}.db", uuid::Uuid::new_v4().simple());
        Self(std::env::temp_dir().join(name))
    }

    pub fn url(&self) -> String {
        format!("sqlite://{}?mode=rwc", self.0.display())
    }

    pub fn path(&self) -> &std::path::Path {
        &self.0
    }
}

impl Drop for TempDb {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", self.0.display()));
        }
    }
}

/// The application, its clock, and a pool of the test's own beside it.
#[derive(Debug)]
pub struct TestApp {
    pub auth: Auth,
    pub clock: Clock,
    pub db: SqlitePool,
    pub router: axum::Router,
    pub file: TempDb,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::with_pool(5).await
    }

    /// Over a pool of `connections`.
    pub async fn with_pool(connections: u32) -> Self {
        let file = TempDb::new();
        let pool = pool(&file.url(), connections).await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(User::create_table_sql(
            crudauth::Dialect::Sqlite,
        )))
        .execute(&pool)
        .await
        .unwrap();
        let clock = Clock::manual();
        let auth = Auth::builder(pool)
            .secret(SECRET)
            .clock(clock.clone())
            .cheap_hashing()
            .manual_workers()
            .await
            .unwrap();
        let db = self::pool(&file.url(), 2).await;
        let router = routes(&auth);
        Self {
            auth,
            clock,
            db,
            router,
            file,
        }
    }

    pub fn client(&self) -> Client {
        Client::new(self.router.clone())
    }

    /// A registered account; its id.
    pub async fn register(&self, name: &str) -> i64 {
        // Each from an address of its own: the limit on sign-ups is not what is under test.
        let client = self.client().from(&format!("10.{}", next_host()));
        let body = serde_json::json!({
            "email": format!("{name}@example.com"), "username": name, "password": PASSWORD,
        });
        let answer = client.post_json("/register", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["id"].as_i64().unwrap()
    }

    /// A browser signed in to that account.
    pub async fn signed_in(&self, name: &str) -> Client {
        let mut client = self.client();
        let answer = client.login(name, PASSWORD).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        client
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.db).await.unwrap()
    }
}

fn next_host() -> String {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
    let [_, a, b, c] = NEXT
        .fetch_add(1, std::sync::atomic::Ordering::SeqCst)
        .to_be_bytes();
    format!("{a}.{b}.{c}")
}

pub async fn pool(url: &str, connections: u32) -> SqlitePool {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
    let options: SqliteConnectOptions = url.parse().unwrap();
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(2))
        .connect_with(
            options
                .journal_mode(SqliteJournalMode::Wal)
                .busy_timeout(Duration::from_millis(1800)),
        )
        .await
        .unwrap()
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn set_cookies(&self) -> Vec<&str> {
        self.headers
            .get_all(SET_COOKIE)
            .iter()
            .map(|cookie| cookie.to_str().unwrap())
            .collect()
    }
}

/// A browser: a cookie jar, a CSRF token, an address.
#[derive(Debug, Clone)]
pub struct Client {
    router: axum::Router,
    pub cookies: BTreeMap<String, String>,
    pub csrf: Option<String>,
    address: SocketAddr,
}

impl Client {
    pub fn new(router: axum::Router) -> Self {
        let address = SocketAddr::from(([192, 0, 2, 1], 40000));
        Self {
            router,
            cookies: BTreeMap::new(),
            csrf: None,
            address,
        }
    }

    /// The same browser at another address.
    pub fn from(mut self, ip: &str) -> Self {
        self.address = SocketAddr::new(ip.parse().unwrap(), 40000);
        self
    }

    pub fn cookie_header(&self) -> Option<String> {
        let pairs: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    pub fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .extension(ConnectInfo(self.address));
        if let Some(cookies) = self.cookie_header() {
            request = request.header(COOKIE, cookies);
        }
        if let Some(csrf) = &self.csrf {
            request = request.header("x-csrf-token", csrf);
        }
        request
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self
            .router
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).body(Body::empty()).unwrap())
            .await
    }

    pub async fn post(&self, path: &str) -> Answer {
        self.send(
            self.request(Method::POST, path)
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(
            self.request(Method::DELETE, path)
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    pub async fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.post_body(path, JSON, body.to_string()).await
    }

    pub async fn post_body(&self, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
        self.send(
            self.request(Method::POST, path)
                .header(CONTENT_TYPE, kind)
                .body(body.into())
                .unwrap(),
        )
        .await
    }

    /// Signs in and keeps the cookies.
    pub async fn login(&mut self, name: &str, password: &str) -> Answer {
        self.login_with(name, password, "").await
    }

    pub async fn login_with(&mut self, name: &str, password: &str, more: &str) -> Answer {
        let body = format!(
            "username={}&password={}{more}",
            encode(name),
            encode(password)
        );
        let answer = self.post_body("/login", FORM, body).await;
        self.keep(&answer);
        answer
    }

    /// Takes over what an answer sets and deletes.
    pub fn keep(&mut self, answer: &Answer) {
        for cookie in answer.set_cookies() {
            let (pair, attributes) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        if let Some(token) = answer.json()["csrf_token"].as_str() {
            self.csrf = Some(token.to_owned());
        }
    }
}

/// Percent-encodes everything but letters and digits.
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// A database file with the account table, for a test that builds an authority of its own.
pub async fn database(connections: u32) -> (TempDb, SqlitePool) {
    let file = TempDb::new();
    let pool = pool(&file.url(), connections).await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(User::create_table_sql(
        crudauth::Dialect::Sqlite,
    )))
    .execute(&pool)
    .await
    .unwrap();
    (file, pool)
}

/// A `TestApp` around another declaration: `custom!(Strict)` is the authority, its clock, its router, a pool beside it.
#[macro_export]
macro_rules! custom {
    ($auth:ty) => {
        $crate::custom!($auth, 5)
    };
    ($auth:ty, $connections:expr) => {{
        use ::crudauth::testing::TestBuilder as _;
        let (file, pool) = $crate::support::database($connections).await;
        let clock = ::crudauth::testing::Clock::manual();
        let auth = <$auth>::builder(pool)
            .secret($crate::support::SECRET)
            .clock(clock.clone())
            .cheap_hashing()
            .manual_workers()
            .await
            .unwrap();
        let router = ::crudauth::routing::Router::new()
            .mount(&auth)
            .with_state(auth.clone())
            .into_axum();
        let db = $crate::support::pool(&file.url(), 2).await;
        $crate::support::Custom {
            auth,
            clock,
            db,
            router,
            file,
        }
    }};
}

/// What `custom!` makes.
#[derive(Debug)]
pub struct Custom<A> {
    pub auth: A,
    pub clock: Clock,
    pub db: SqlitePool,
    pub router: axum::Router,
    pub file: TempDb,
}

impl<A> Custom<A> {
    pub fn client(&self) -> Client {
        Client::new(self.router.clone())
    }

    /// A registered account; its id.
    pub async fn register(&self, name: &str) -> i64 {
        let client = self.client().from(&format!("10.{}", next_host()));
        let body = serde_json::json!({
            "email": format!("{name}@example.com"), "username": name, "password": PASSWORD,
        });
        let answer = client.post_json("/register", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["id"].as_i64().unwrap()
    }

    pub async fn signed_in(&self, name: &str) -> Client {
        let mut client = self.client();
        let answer = client.login(name, PASSWORD).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        client
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.db).await.unwrap()
    }
}

/// An address that no other call in this process gives.
pub fn fresh_address() -> String {
    format!("10.{}", next_host())
}
