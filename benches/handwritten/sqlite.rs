//! On SQLite.

use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{SqlitePool as Pool, sqlite::SqliteRow as Row};

#[expect(clippy::duplicate_mod, reason = "once for each product's types")]
#[path = "app.rs"]
mod routes;

const BEGIN: &str = "BEGIN IMMEDIATE";
const CLEAR_ATTEMPTS: &str = "UPDATE attempts SET failures = CASE WHEN id = $1 THEN max(failures - 1, 0) ELSE 0 END \
    WHERE id IN ($1, $2, $3)";
const MAKE_ROOM: &str = "DELETE FROM sessions WHERE id = $1 OR (user_id = $2 AND expires_at <= $3) OR id IN \
    (SELECT id FROM sessions WHERE user_id = $2 ORDER BY last_activity DESC LIMIT -1 OFFSET $4)";

const SCHEMA: &str = "
CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL UNIQUE, username TEXT NOT NULL UNIQUE,
  password_hash TEXT NOT NULL, is_active BOOLEAN NOT NULL, is_superuser BOOLEAN NOT NULL, email_verified BOOLEAN NOT NULL,
  token_version INTEGER NOT NULL, created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL);
CREATE TABLE usernames (folded TEXT NOT NULL PRIMARY KEY, user_id INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE sessions (id BLOB NOT NULL PRIMARY KEY, user_id INTEGER NOT NULL, csrf BLOB NOT NULL,
  token_version INTEGER NOT NULL, created_at INTEGER NOT NULL, last_activity INTEGER NOT NULL,
  expires_at INTEGER NOT NULL, absolute_at INTEGER NOT NULL, idle INTEGER NOT NULL, ip TEXT, user_agent TEXT) WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
CREATE TABLE families (id TEXT NOT NULL PRIMARY KEY, user_id INTEGER NOT NULL, generation INTEGER NOT NULL,
  secret BLOB NOT NULL, token_version INTEGER NOT NULL, scopes TEXT NOT NULL, created_at INTEGER NOT NULL,
  rotated_at INTEGER NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX families_by_user ON families (user_id);
CREATE INDEX families_by_expiry ON families (expires_at);
CREATE TABLE attempts (id BLOB NOT NULL PRIMARY KEY, window_start INTEGER NOT NULL, failures INTEGER NOT NULL,
  locked_until INTEGER NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX attempts_by_expiry ON attempts (expires_at);
CREATE TABLE limits (id BLOB NOT NULL PRIMARY KEY, window_start INTEGER NOT NULL, hits INTEGER NOT NULL) WITHOUT ROWID;
";

pub async fn app(url: &str) -> axum::Router {
    let options = SqliteConnectOptions::from_str(url).unwrap();
    let options = options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal);
    let options = options
        .busy_timeout(Duration::from_millis(1800))
        .foreign_keys(true);
    let pool = SqlitePoolOptions::new()
        .max_connections(8)
        .acquire_timeout(Duration::from_secs(2));
    let pool = pool
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .unwrap();
    sqlx::raw_sql(SCHEMA).execute(&pool).await.unwrap();
    routes::app(pool)
}
