//! One statement with values, and what it answers, in either product.

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Arguments, AssertSqlSafe, Database, Decode, Encode, FromRow, Postgres, Sqlite, Type};

use super::Db;

impl Db {
    /// One statement, with `$1`, `$2` … for the values that follow.
    pub fn query(&self, sql: impl Into<String>) -> Query<'_> {
        Query {
            db: self,
            sql: sql.into(),
            args: Vec::new(),
        }
    }
}

/// A statement and its values.
#[derive(Debug)]
#[must_use]
pub struct Query<'a> {
    db: &'a Db,
    sql: String,
    args: Vec<Arg>,
}

impl Query<'_> {
    pub fn bind(mut self, value: impl Into<Arg>) -> Self {
        self.args.push(value.into());
        self
    }

    /// The number of rows that it changed.
    pub async fn execute(self) -> u64 {
        self.try_execute().await.unwrap()
    }

    pub async fn try_execute(self) -> sqlx::Result<u64> {
        let sql = AssertSqlSafe(self.sql);
        Ok(match self.db {
            Db::Sqlite(pool) => sqlx::query_with(sql, arguments::<Sqlite>(self.args))
                .execute(pool)
                .await?
                .rows_affected(),
            Db::Postgres(pool) => sqlx::query_with(sql, arguments::<Postgres>(self.args))
                .execute(pool)
                .await?
                .rows_affected(),
        })
    }

    pub async fn rows<T: Record>(self) -> Vec<T> {
        self.try_rows().await.unwrap()
    }

    pub async fn try_rows<T: Record>(self) -> sqlx::Result<Vec<T>> {
        let sql = AssertSqlSafe(self.sql);
        match self.db {
            Db::Sqlite(pool) => {
                sqlx::query_as_with(sql, arguments::<Sqlite>(self.args))
                    .fetch_all(pool)
                    .await
            }
            Db::Postgres(pool) => {
                sqlx::query_as_with(sql, arguments::<Postgres>(self.args))
                    .fetch_all(pool)
                    .await
            }
        }
    }

    /// The only row.
    pub async fn row<T: Record>(self) -> T {
        let sql = self.sql.clone();
        let mut rows = self.rows().await;
        assert_eq!(rows.len(), 1, "rows of {sql}");
        rows.remove(0)
    }

    pub async fn scalars<T: Cell>(self) -> Vec<T> {
        let rows: Vec<(T,)> = self.rows().await;
        rows.into_iter().map(|(value,)| value).collect()
    }

    pub async fn scalar<T: Cell>(self) -> T {
        let (value,): (T,) = self.row().await;
        value
    }
}

/// What a row of either product can be read into.
pub trait Record:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T> Record for T where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

/// What a column of either product can be read into.
pub trait Cell:
    for<'r> Decode<'r, Sqlite>
    + Type<Sqlite>
    + for<'r> Decode<'r, Postgres>
    + Type<Postgres>
    + Send
    + Unpin
{
}

impl<T> Cell for T where
    T: for<'r> Decode<'r, Sqlite>
        + Type<Sqlite>
        + for<'r> Decode<'r, Postgres>
        + Type<Postgres>
        + Send
        + Unpin
{
}

/// A value that either product takes.
#[derive(Debug, Clone)]
pub enum Arg {
    Int(i64),
    Text(Option<String>),
    Blob(Vec<u8>),
}

impl From<i64> for Arg {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Arg {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<&String> for Arg {
    fn from(value: &String) -> Self {
        Self::Text(Some(value.clone()))
    }
}

impl From<String> for Arg {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<Option<String>> for Arg {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<u8>> for Arg {
    fn from(value: Vec<u8>) -> Self {
        Self::Blob(value)
    }
}

fn arguments<D: Database>(args: Vec<Arg>) -> D::Arguments
where
    i64: for<'q> Encode<'q, D> + Type<D>,
    Option<String>: for<'q> Encode<'q, D> + Type<D>,
    Vec<u8>: for<'q> Encode<'q, D> + Type<D>,
{
    let mut arguments = D::Arguments::default();
    for arg in args {
        match arg {
            Arg::Int(value) => arguments.add(value),
            Arg::Text(value) => arguments.add(value),
            Arg::Blob(value) => arguments.add(value),
        }
        .unwrap();
    }
    arguments
}
