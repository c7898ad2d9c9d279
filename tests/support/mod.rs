//! One application under test: a real router over a real database, a clock that the test moves, a client with a
//! cookie jar. Every test file declares this module; not every file uses all of it.
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "shared by test binaries that each use a part"
)]

mod client;
pub mod db;

use axum::body::Bytes;
use crudauth::testing::{Clock, TestBuilder};
use crudauth::{AuthUser, PasswordHash, Principal, auth, require};
use serde_json::Value;

pub use client::{Answer, Client, encode};
pub use db::{Db, TempDb, dialect, pool, sql};

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
    #[database(sqlite, postgres)]
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

/// The application, its clock, and a pool of the test's own beside it.
#[derive(Debug)]
pub struct TestApp {
    pub auth: Auth,
    pub clock: Clock,
    pub db: Db,
    pub router: axum::Router,
    pub file: TempDb,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::with_pool(5).await
    }

    /// Over a pool of `connections`.
    pub async fn with_pool(connections: u32) -> Self {
        Self::over(TempDb::new(), connections).await
    }

    /// In `file`, for a test of one product.
    pub async fn over(file: TempDb, connections: u32) -> Self {
        let pool = with_users(&file, connections).await;
        let db = self::pool(&file.url(), 2).await;
        Self::on(pool, db, file).await
    }

    /// On `pool`, with `db` for the test itself.
    pub async fn on(pool: Db, db: Db, file: TempDb) -> Self {
        let clock = Clock::manual();
        let auth = Auth::builder(pool)
            .secret(SECRET)
            .clock(clock.clone())
            .cheap_hashing()
            .manual_workers()
            .await
            .unwrap();
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
        self.db.count(sql).await
    }
}

fn next_host() -> String {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
    let [_, a, b, c] = NEXT
        .fetch_add(1, std::sync::atomic::Ordering::SeqCst)
        .to_be_bytes();
    format!("{a}.{b}.{c}")
}

/// A database with the account table, for a test that builds an authority of its own.
pub async fn database(connections: u32) -> (TempDb, Db) {
    let file = TempDb::new();
    let pool = with_users(&file, connections).await;
    (file, pool)
}

/// A pool on `file`, with the account table.
pub async fn with_users(file: &TempDb, connections: u32) -> Db {
    let pool = pool(&file.url(), connections).await;
    pool.run(User::create_table_sql(pool.dialect())).await;
    pool
}

/// A `TestApp` around another declaration: `custom!(Strict)` is the authority, its clock, its router, a pool beside it.
#[macro_export]
macro_rules! custom {
    ($auth:ty) => {
        $crate::custom!($auth, 5)
    };
    ($auth:ty, $connections:expr $(, $method:ident($($value:expr),+))*) => {{
        use ::crudauth::testing::TestBuilder as _;
        let file = $crate::support::TempDb::new();
        let pool = $crate::support::pool(&file.url(), $connections).await;
        let table = <<$auth as ::crudauth::__private::Schema>::User>::create_table_sql(pool.dialect());
        pool.run(table).await;
        let clock = ::crudauth::testing::Clock::manual();
        let auth = <$auth>::builder(pool)
            .secret($crate::support::SECRET)
            .clock(clock.clone())
            .cheap_hashing()
            .manual_workers()
            $(.$method($($value),+))*
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
    pub db: Db,
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
        self.db.count(sql).await
    }
}

/// An address that no other call in this process gives.
pub fn fresh_address() -> String {
    format!("10.{}", next_host())
}
