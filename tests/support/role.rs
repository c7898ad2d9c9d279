//! A role of PostgreSQL without any right, over a database of its own.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    reason = "shared by test binaries that each use a part"
)]

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgPool};

use crate::support::TempDb;
use crate::wild::{made_by, run};

/// The role, and a pool of the superuser's beside it. Roles are the server's, so this one is dropped with its database.
#[derive(Debug)]
pub struct Role {
    pub name: String,
    pub owners: PgPool,
    file: TempDb,
}

impl Role {
    pub async fn over(ddl: &str) -> Self {
        let (file, owners) = made_by(ddl).await;
        let name = format!("app_{}", uuid::Uuid::new_v4().simple());
        run(
            &owners,
            &format!("CREATE ROLE {name} LOGIN PASSWORD 'the-password'"),
        )
        .await;
        Self { name, owners, file }
    }

    pub async fn owner(&self, sql: &str) {
        run(&self.owners, sql).await;
    }

    /// The role's own pool.
    pub async fn pool(&self) -> PgPool {
        let options: PgConnectOptions = self.file.url().parse().unwrap();
        let options = options.username(&self.name).password("the-password");
        PgPoolOptions::new().connect_with(options).await.unwrap()
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let (name, url) = (self.name.clone(), self.file.url());
        let work = async move {
            let options: PgConnectOptions = url.parse()?;
            let mut server = options.disable_statement_logging().connect().await?;
            let gone = format!(
                "REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name}; DROP ROLE {name}"
            );
            let gone = sqlx::raw_sql(sqlx::AssertSqlSafe(gone));
            gone.execute(&mut server).await?;
            server.close().await
        };
        let _ = std::thread::spawn(|| {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_all().build().unwrap().block_on(work)
        })
        .join();
    }
}
