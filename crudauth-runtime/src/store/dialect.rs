//! What a database product must offer. One file per product implements it ([`sqlite`](super::sqlite)); nothing else
//! in the crate knows which products there are.

use std::error::Error as StdError;

use futures_util::future::BoxFuture;
use sqlx::{ColumnIndex, Database, Decode, Encode, Pool, Row, Type};

use super::text::Syntax;
use crate::error::{Error, Result};

/// A value that can stand in a column of `D`: sqlx can write it and read it. Implemented for every type that sqlx
/// can store, never by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in a column of `{D}`",
    label = "not a column type",
    note = "implement `sqlx::Type`, `Encode` and `Decode` for it (`#[derive(sqlx::Type)]`), or mark the field `#[auth(skip)]`"
)]
pub trait Column<D: Dialect>: Sized + Send {
    /// Appends the value to a statement's arguments.
    ///
    /// # Errors
    /// When the value cannot be encoded.
    fn add(&self, args: &mut Args<D>) -> Result<()>;

    /// Reads the value at `index`.
    ///
    /// # Errors
    /// When the column holds something else.
    fn read(row: &D::Row, index: usize) -> Result<Self>;

    /// The product's type for this value.
    fn type_info() -> D::TypeInfo;
}

impl<D, T> Column<D> for T
where
    D: Dialect,
    T: Type<D> + Send + for<'a> Encode<'a, D> + for<'a> Decode<'a, D>,
    usize: ColumnIndex<D::Row>,
{
    fn add(&self, args: &mut Args<D>) -> Result<()> {
        args.push(self)
    }

    fn read(row: &D::Row, index: usize) -> Result<Self> {
        Ok(row.try_get(index)?)
    }

    fn type_info() -> D::TypeInfo {
        <T as Type<D>>::type_info()
    }
}

/// Arguments of one statement, bound in order. Values are never part of the text.
pub struct Args<D: Dialect>(D::Arguments);

impl<D: Dialect> std::fmt::Debug for Args<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Args([redacted])") // hashes and digests travel here
    }
}

impl<D: Dialect> Args<D> {
    /// No arguments yet.
    #[must_use]
    pub fn new() -> Self {
        Self(D::Arguments::default())
    }

    /// Appends any column value.
    ///
    /// # Errors
    /// When the value cannot be encoded.
    pub fn push<'a, T: Encode<'a, D> + Type<D>>(&mut self, value: T) -> Result<()> {
        sqlx::Arguments::add(&mut self.0, value).map_err(Error::Store)
    }

    /// The arguments in sqlx's form.
    #[must_use]
    pub fn into_inner(self) -> D::Arguments {
        self.0
    }
}

impl<D: Dialect> Default for Args<D> {
    fn default() -> Self {
        Self::new()
    }
}

/// One column of a live table, as the database describes it.
#[derive(Debug, Clone)]
pub struct LiveColumn {
    /// Its name.
    pub name: String,
    /// Its declared type, as the product spells it.
    pub sql_type: String,
    /// Whether NULL is allowed.
    pub nullable: bool,
    /// Whether an INSERT may leave it out.
    pub has_default: bool,
    /// Whether a single-column unique index or primary key covers it.
    pub unique: bool,
    /// Whether the database may give a deleted row's key to a new row.
    pub reuses_ids: bool,
}

/// A database product.
pub trait Dialect: Database {
    /// As written in `#[database(…)]`.
    const KEYWORD: &'static str;
    /// How it writes SQL.
    const SYNTAX: Syntax;
    /// Starts a transaction that is going to write. SQLite must take its write lock here: a transaction that begins
    /// by reading and then writes fails with "database is locked" when another wrote in between.
    const BEGIN_WRITE: &'static str;

    /// Runs a statement and returns the number of rows it changed.
    fn execute<'a>(conn: &'a mut Self::Connection, sql: &'static str, args: Args<Self>) -> BoxFuture<'a, Result<u64>>;

    /// Runs a statement and returns its rows.
    fn fetch<'a>(
        conn: &'a mut Self::Connection,
        sql: &'static str,
        args: Args<Self>,
    ) -> BoxFuture<'a, Result<Vec<Self::Row>>>;

    /// Runs data definition text made from compile-time names.
    fn define<'a>(conn: &'a mut Self::Connection, sql: String) -> BoxFuture<'a, Result<()>>;

    /// Opens a pool on `url` with the settings this product needs to be safe.
    fn open(url: &str) -> BoxFuture<'_, Result<Pool<Self>>>;

    /// The live table's columns; empty when there is no such table.
    fn describe<'a>(
        conn: &'a mut Self::Connection,
        schema: Option<&'a str>,
        table: &'a str,
    ) -> BoxFuture<'a, Result<Vec<LiveColumn>>>;

    /// Whether a column declared `live` can hold a value that sqlx sends as `wanted`.
    fn fits(live: &str, wanted: &Self::TypeInfo) -> bool;

    /// The type to declare for a value that sqlx sends as `info`.
    fn declare(info: &Self::TypeInfo) -> String;

    /// The definition of an identity key: numbered by the database, never reused (SEC-159).
    const IDENTITY: &'static str;

    /// Takes the lock under which migrations run, inside the transaction on `conn`.
    fn migration_lock<'a>(conn: &'a mut Self::Connection) -> BoxFuture<'a, Result<()>>;

    /// Whether `error` says that a unique index refused a row.
    fn is_unique_violation(error: &(dyn StdError + Send + Sync + 'static)) -> bool;

    /// Whether `error` means that the database cannot be reached or is overloaded, as opposed to refusing us.
    fn is_unavailable(error: &sqlx::Error) -> bool;
}

/// Implements the statement-running half of [`Dialect`] for a product whose sqlx types are concrete.
macro_rules! run_statements {
    () => {
        fn execute<'a>(
            conn: &'a mut Self::Connection,
            sql: &'static str,
            args: Args<Self>,
        ) -> BoxFuture<'a, Result<u64>> {
            Box::pin(async move {
                let done = sqlx::query_with(sql, args.into_inner()).execute(conn).await;
                Ok(done.map_err(classify::<Self>)?.rows_affected())
            })
        }

        fn fetch<'a>(
            conn: &'a mut Self::Connection,
            sql: &'static str,
            args: Args<Self>,
        ) -> BoxFuture<'a, Result<Vec<Self::Row>>> {
            Box::pin(async move {
                sqlx::query_with(sql, args.into_inner()).fetch_all(conn).await.map_err(classify::<Self>)
            })
        }

        fn define<'a>(conn: &'a mut Self::Connection, sql: String) -> BoxFuture<'a, Result<()>> {
            Box::pin(async move {
                let done = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(conn).await;
                done.map(drop).map_err(classify::<Self>)
            })
        }
    };
}
pub(crate) use run_statements;

/// Sorts a product's error into ours.
pub(crate) fn classify<D: Dialect>(error: sqlx::Error) -> Error {
    if D::is_unavailable(&error) { Error::Unavailable(Box::new(error)) } else { error.into() }
}
