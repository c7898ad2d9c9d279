//! A database for each server process.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

/// Where the PostgreSQL server is.
const SERVER: &str = "CRUDAUTH_TEST_POSTGRES";

/// What the applications run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    Sqlite,
    Postgres,
}

impl Product {
    /// The one behind `--on`; else SQLite, and PostgreSQL where there is a server.
    pub fn wanted() -> Vec<Self> {
        let mut args = std::env::args().skip_while(|arg| arg != "--on");
        match args.nth(1).as_deref() {
            Some("sqlite") => vec![Self::Sqlite],
            Some("postgres") => vec![Self::Postgres],
            Some(other) => panic!("--on takes `sqlite` or `postgres`, not `{other}`"),
            None if std::env::var_os(SERVER).is_some() => vec![Self::Sqlite, Self::Postgres],
            None => vec![Self::Sqlite],
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// An empty database, gone at the end.
pub enum Database {
    File(PathBuf),
    Server(String),
}

impl Database {
    pub fn create(product: Product) -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("crudauth_ratios_{}_{number}", std::process::id());
        match product {
            Product::Sqlite => Self::File(std::env::temp_dir().join(name)),
            Product::Postgres => {
                on_server(format!("CREATE DATABASE {name} TEMPLATE template0")).unwrap();
                Self::Server(name)
            }
        }
    }

    pub fn url(&self) -> String {
        match self {
            Self::File(path) => format!("sqlite://{}?mode=rwc", path.display()),
            Self::Server(name) => {
                let server = server();
                let (place, options) = server.split_at(server.find('?').unwrap_or(server.len()));
                let (host, _) = place.rsplit_once('/').unwrap();
                format!("{host}/{name}{options}")
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        match self {
            Self::File(path) => {
                for end in ["", "-wal", "-shm"] {
                    let _ = std::fs::remove_file(format!("{}{end}", path.display()));
                }
            }
            Self::Server(name) => {
                let _ = on_server(format!("DROP DATABASE {name} WITH (FORCE)"));
            }
        }
    }
}

/// The server's maintenance database.
fn server() -> String {
    std::env::var(SERVER).unwrap_or_else(|_| panic!("no PostgreSQL: set {SERVER} to its URL"))
}

/// One statement in the maintenance database.
fn on_server(sql: String) -> sqlx::Result<()> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(async {
        let options: PgConnectOptions = server().parse()?;
        let mut server = options.disable_statement_logging().connect().await?;
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut server)
            .await?;
        server.close().await
    })
}
