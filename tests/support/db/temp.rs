//! A database of its own for each test.

use std::path::{Path, PathBuf};

use crudauth::Dialect;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use super::dialect;

/// A database of its own for each test, removed at the end.
#[derive(Debug)]
pub struct TempDb(Place);

#[derive(Debug)]
enum Place {
    File(PathBuf),
    Server(String),
}

impl TempDb {
    /// Of the product under test.
    pub fn new() -> Self {
        match dialect() {
            Dialect::Sqlite => Self::sqlite(),
            _ => Self::postgres(),
        }
    }

    /// A file, for a test of what only SQLite does. It runs whatever the product under test is.
    pub fn sqlite() -> Self {
        let name = format!("crudauth-{}.db", uuid::Uuid::new_v4().simple());
        Self(Place::File(std::env::temp_dir().join(name)))
    }

    /// A database on the server of `CRUDAUTH_TEST_POSTGRES`, for a test of what only PostgreSQL does. It runs whatever
    /// the product under test is.
    pub fn postgres() -> Self {
        let name = format!("crudauth_test_{}", uuid::Uuid::new_v4().simple());
        // Nobody is ever connected to `template0`, so no other test can be in the way.
        on_server(format!("CREATE DATABASE {name} TEMPLATE template0"))
            .unwrap_or_else(|error| panic!("no database on CRUDAUTH_TEST_POSTGRES: {error}"));
        Self(Place::Server(name))
    }

    pub fn url(&self) -> String {
        match &self.0 {
            Place::File(path) => format!("sqlite://{}?mode=rwc", path.display()),
            Place::Server(name) => {
                let server = server();
                let (place, options) = server.split_at(server.find('?').unwrap_or(server.len()));
                let (host, _) = place.rsplit_once('/').unwrap();
                format!("{host}/{name}{options}")
            }
        }
    }

    /// The file; only SQLite has one.
    pub fn path(&self) -> &Path {
        match &self.0 {
            Place::File(path) => path,
            Place::Server(name) => panic!("{name} is not a file"),
        }
    }
}

impl Drop for TempDb {
    fn drop(&mut self) {
        match &self.0 {
            Place::File(path) => {
                for end in ["", "-wal", "-shm"] {
                    let _ = std::fs::remove_file(format!("{}{end}", path.display()));
                }
            }
            Place::Server(name) => {
                let _ = on_server(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
            }
        }
    }
}

/// The maintenance database of the PostgreSQL server that the tests use.
pub fn server() -> String {
    std::env::var("CRUDAUTH_TEST_POSTGRES")
        .unwrap_or_else(|_| panic!("no PostgreSQL: run `.ci/test`, or set CRUDAUTH_TEST_POSTGRES"))
}

/// One statement in the maintenance database. `Drop` cannot wait for a future, so a thread of its own does.
fn on_server(sql: String) -> sqlx::Result<()> {
    let work = async move {
        let options: PgConnectOptions = server().parse()?;
        let mut server = options.disable_statement_logging().connect().await?;
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut server)
            .await?;
        server.close().await
    };
    std::thread::spawn(|| {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(work)
    })
    .join()
    .unwrap()
}
