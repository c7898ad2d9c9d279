//! The database under test, of the product that `CRUDAUTH_TEST_DIALECT` names: each test has one of its own.

mod catalogue;
mod query;
mod temp;

use std::sync::LazyLock;
use std::time::Duration;

use crudauth::__private::{Authority, IntoStore};
use crudauth::Dialect;
use crudauth_runtime::store::Store;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, PgPool, Postgres, Sqlite, SqlitePool};

pub use query::{Arg, Cell, Query, Record};
pub use temp::{TempDb, server};

/// The root of the tests that are compiled with this module: a folder's, or a file of its own.
static SUITE: LazyLock<String> = LazyLock::new(|| {
    let suite = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/",
        env!("CARGO_CRATE_NAME")
    );
    std::fs::read_to_string(format!("{suite}/main.rs"))
        .or_else(|_| std::fs::read_to_string(format!("{suite}.rs")))
        .unwrap()
});

/// The product that the whole suite runs on.
pub fn dialect() -> Dialect {
    assert!(
        !SUITE
            .lines()
            .any(|line| line.starts_with("//! Runs once: ")),
        "a suite that says `Runs once` is in one pass of `.ci/test` only: it may not ask which product is under test"
    );
    match std::env::var("CRUDAUTH_TEST_DIALECT").as_deref() {
        Err(_) | Ok("sqlite") => Dialect::Sqlite,
        Ok("postgres") => Dialect::Postgres,
        Ok(other) => panic!("CRUDAUTH_TEST_DIALECT is `{other}`: write `sqlite` or `postgres`"),
    }
}

/// The one of two statements that the product understands, where no common wording exists.
pub fn sql(sqlite: &'static str, postgres: &'static str) -> &'static str {
    match dialect() {
        Dialect::Sqlite => sqlite,
        _ => postgres,
    }
}

/// A pool on the product that `url` names.
pub async fn pool(url: &str, connections: u32) -> Db {
    pool_with_patience(url, connections, Duration::from_secs(2)).await
}

/// A pool that lets nobody wait for a connection longer than `patience`.
pub async fn pool_with_patience(url: &str, connections: u32, patience: Duration) -> Db {
    if url.starts_with("sqlite:") {
        let options: SqliteConnectOptions = url.parse().unwrap();
        let options = options
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_millis(1800));
        let pool = SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(patience);
        Db::Sqlite(pool.connect_with(options).await.unwrap())
    } else {
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(patience);
        Db::Postgres(pool.connect(url).await.unwrap())
    }
}

/// A pool of the product under test. The authority takes it like any other, and a test asks it what is in the tables.
#[derive(Debug, Clone)]
pub enum Db {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl<A: Authority> IntoStore<A> for Db
where
    SqlitePool: IntoStore<A>,
    PgPool: IntoStore<A>,
{
    fn into_store(self) -> std::sync::Arc<dyn Store<A::User>> {
        match self {
            Self::Sqlite(pool) => pool.into_store(),
            Self::Postgres(pool) => pool.into_store(),
        }
    }
}

impl Db {
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Any number of statements without arguments.
    pub async fn run(&self, sql: impl Into<String>) {
        self.try_run(sql).await.unwrap();
    }

    pub async fn try_run(&self, sql: impl Into<String>) -> sqlx::Result<()> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.into()));
        match self {
            Self::Sqlite(pool) => sql.execute(pool).await.map(drop),
            Self::Postgres(pool) => sql.execute(pool).await.map(drop),
        }
    }

    pub async fn count(&self, sql: impl Into<String>) -> i64 {
        self.query(sql).scalar().await
    }

    /// One connection, for as long as the value lives: a transaction, or a pool with one fewer.
    pub async fn acquire(&self) -> Held {
        match self {
            Self::Sqlite(pool) => Held::Sqlite(pool.acquire().await.unwrap()),
            Self::Postgres(pool) => Held::Postgres(pool.acquire().await.unwrap()),
        }
    }

    /// A connection on which nothing but reading is possible for everybody else, until the value is dropped or told to
    /// `ROLLBACK`.
    pub async fn seize(&self) -> Held {
        let mut held = self.acquire().await;
        held.run(match self {
            Self::Sqlite(_) => "BEGIN EXCLUSIVE".to_owned(),
            Self::Postgres(_) => {
                let tables = self.tables().await.join("\", \"");
                format!("BEGIN; LOCK TABLE \"{tables}\" IN EXCLUSIVE MODE")
            }
        })
        .await;
        held
    }

    /// Whether nobody uses a connection.
    pub fn is_idle(&self) -> bool {
        match self {
            Self::Sqlite(pool) => pool.num_idle() == pool.size() as usize,
            Self::Postgres(pool) => pool.num_idle() == pool.size() as usize,
        }
    }

    pub async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// One connection of a pool.
#[derive(Debug)]
pub enum Held {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

impl Held {
    pub async fn run(&mut self, sql: impl Into<String>) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.into()));
        match self {
            Self::Sqlite(conn) => sql.execute(&mut **conn).await.map(drop),
            Self::Postgres(conn) => sql.execute(&mut **conn).await.map(drop),
        }
        .unwrap();
    }
}
