//! A database of its own for each test.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use crudauth::Dialect;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tokio::runtime::{Handle, RuntimeFlavor};

use super::dialect;

/// How long a database may take to be made, and the end of a test waits until it is dropped.
const MADE: Duration = Duration::from_mins(1);
const DROPPED: Duration = Duration::from_secs(1);

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
        on_server(format!("CREATE DATABASE {name} TEMPLATE template0"), MADE)
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
                let _ = on_server(
                    format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
                    DROPPED,
                );
            }
        }
    }
}

/// The maintenance database of the PostgreSQL server that the tests use.
pub fn server() -> String {
    std::env::var("CRUDAUTH_TEST_POSTGRES")
        .unwrap_or_else(|_| panic!("no PostgreSQL: run `.ci/test`, or set CRUDAUTH_TEST_POSTGRES"))
}

/// One statement in the maintenance database. `Drop` cannot wait for a future, so a thread of its own does, and it is waited
/// for. Not for long, though, where a database is dropped: the server drops none as long as somebody is signing in to any of
/// them, and that somebody may have to be carried on by the very thread that waits here. Of a runtime with several threads
/// another takes over what this one carries.
fn on_server(sql: String, patience: Duration) -> sqlx::Result<()> {
    let work = async move {
        let options: PgConnectOptions = server().parse()?;
        let mut server = options.disable_statement_logging().connect().await?;
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut server)
            .await?;
        server.close().await
    };
    let (done, answer) = mpsc::channel();
    std::thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let _ = done.send(runtime.enable_all().build().unwrap().block_on(work));
    });
    let wait = move || answer.recv_timeout(patience);
    let several = Handle::try_current()
        .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    let done = if several {
        tokio::task::block_in_place(wait)
    } else {
        wait()
    };
    done.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}
