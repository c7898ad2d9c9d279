//! What a database product must offer. One file per product implements it ([`sqlite`](super::sqlite)); nothing else
//! in the crate knows which products there are.

use std::fmt::{self, Debug};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use sqlx::error::DatabaseError;
use sqlx::pool::PoolConnection;
use sqlx::{ColumnIndex, Database, Decode, Encode, Pool, Row, Type};
use tokio::sync::Semaphore;

use super::live::{LiveColumn, LiveTable};
use super::refusal::Refusal;
use super::repr::Form;
use super::text::Syntax;
use crate::account::{Repr, Table};
use crate::clock::Timestamp;
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

/// Arguments of one statement, bound in order. Values are never part of the text. A value that cannot be encoded is
/// remembered and reported when the statement is run.
pub struct Args<D: Dialect> {
    inner: D::Arguments,
    failed: Option<Error>,
}

impl<D: Dialect> Debug for Args<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Args([redacted])") // hashes and digests travel here
    }
}

impl<D: Dialect> Default for Args<D> {
    fn default() -> Self {
        Self {
            inner: D::Arguments::default(),
            failed: None,
        }
    }
}

impl<D: Dialect> Args<D> {
    /// No arguments yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends any column value.
    ///
    /// # Errors
    /// When the value cannot be encoded.
    pub fn push<'a, T: Encode<'a, D> + Type<D>>(&mut self, value: T) -> Result<()> {
        sqlx::Arguments::add(&mut self.inner, value).map_err(Error::Store)
    }

    fn and(mut self, add: impl FnOnce(&mut Self) -> Result<()>) -> Self {
        if let Err(error) = add(&mut self) {
            self.failed.get_or_insert(error);
        }
        self
    }

    pub(crate) fn value<T: Column<D>>(self, value: &T) -> Self {
        self.and(|args| value.add(args))
    }

    pub(crate) fn int(self, value: i64) -> Self {
        self.and(|args| D::bind(args, Value::Int(value)))
    }

    pub(crate) fn flag(self, value: bool) -> Self {
        self.and(|args| D::bind(args, Value::Flag(value)))
    }

    pub(crate) fn text(self, value: Option<&str>) -> Self {
        self.and(|args| D::bind(args, Value::Text(value)))
    }

    pub(crate) fn blob(self, value: Option<&[u8]>) -> Self {
        self.and(|args| D::bind(args, Value::Blob(value)))
    }

    pub(crate) fn at(self, value: Timestamp) -> Self {
        self.int(value.as_micros())
    }

    /// The arguments in sqlx's form.
    ///
    /// # Errors
    /// When one of the values could not be encoded.
    pub fn into_inner(self) -> Result<D::Arguments> {
        self.failed.map_or(Ok(self.inner), Err)
    }
}

/// A value in one of our own tables.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// 64 bits, signed.
    Int(i64),
    /// Boolean.
    Flag(bool),
    /// Text or NULL.
    Text(Option<&'a str>),
    /// Bytes or NULL.
    Blob(Option<&'a [u8]>),
}

/// The column types of our own tables.
#[derive(Debug, Clone, Copy)]
pub struct Types {
    /// 64 bits, signed.
    pub int: &'static str,
    /// Text of any length.
    pub text: &'static str,
    /// A text that is a primary key.
    pub key_text: &'static str,
    /// 32 bytes, which may be a primary key.
    pub digest: &'static str,
    /// Closes a CREATE TABLE whose primary key is a digest.
    pub end: &'static str,
}

/// An authority that names product `D` in `#[database(…)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not declare this database",
    note = "name it in the block: `#[database(sqlite, postgres)]`"
)]
pub trait Declares<D> {}

/// A database product.
pub trait Dialect: Database {
    /// As written in `#[database(…)]`.
    const KEYWORD: &'static str;
    /// How it writes SQL.
    const SYNTAX: Syntax;
    /// Starts a transaction that is going to write. It reads what others have committed by the time of each statement, whatever
    /// the database's own default: what waits for a row's lock must see what its holder did. SQLite must take its write lock here: a transaction that begins
    /// by reading and then writes fails with "database is locked" when another wrote in between.
    const BEGIN_WRITE: &'static str;

    /// The types of our own columns.
    const TYPES: Types;

    /// Whether a statement was refused because of the values in it, and not because of its text or of our rights.
    fn is_about_values(refusal: &dyn DatabaseError) -> bool;

    /// The one column whose NOT NULL or unique index refused a row; `None` for an index over several, or over an
    /// expression.
    fn refusing_column(violation: &dyn DatabaseError) -> Option<String>;

    /// The columns that the constraint looks at which refused a row of `table`; none where that cannot be told.
    fn constrained<'a>(
        conn: &'a mut Self::Connection,
        table: &'a Table,
        violation: &'a dyn DatabaseError,
    ) -> BoxFuture<'a, Result<Vec<String>>>;

    /// Binds a value of our own tables.
    ///
    /// # Errors
    /// When the value cannot be encoded.
    fn bind(args: &mut Args<Self>, value: Value<'_>) -> Result<()>;

    /// Reads an integer of our own tables; NULL is `None`.
    ///
    /// # Errors
    /// When the column holds something else.
    fn int(row: &Self::Row, index: usize) -> Result<Option<i64>>;

    /// Reads a text of our own tables.
    ///
    /// # Errors
    /// When the column holds something else.
    fn text(row: &Self::Row, index: usize) -> Result<Option<String>>;

    /// Reads bytes of our own tables.
    ///
    /// # Errors
    /// When the column holds something else.
    fn blob(row: &Self::Row, index: usize) -> Result<Option<Vec<u8>>>;

    /// Runs a statement and returns the number of rows it changed.
    fn execute(
        conn: &mut Self::Connection,
        sql: &'static str,
        args: Args<Self>,
    ) -> impl Future<Output = Result<u64>> + Send;

    /// Runs a statement and returns its rows.
    fn fetch(
        conn: &mut Self::Connection,
        sql: &'static str,
        args: Args<Self>,
    ) -> impl Future<Output = Result<Vec<Self::Row>>> + Send;

    /// Runs a query that finds one row or none. It stops at the first row, which spares the database the step that says
    /// there is no other, and SQLite a message between threads.
    fn first(
        conn: &mut Self::Connection,
        sql: &'static str,
        args: Args<Self>,
    ) -> impl Future<Output = Result<Option<Self::Row>>> + Send;

    /// Runs data definition text made from compile-time names.
    fn define(conn: &mut Self::Connection, sql: String) -> BoxFuture<'_, Result<()>>;

    /// Opens a pool on `url` with the settings this product needs to be safe.
    fn open(url: &str) -> BoxFuture<'_, Result<Pool<Self>>>;

    /// A connection of a pool that [`open`](Self::open) opened, if one is idle and nothing is asked of it before it is used.
    #[must_use]
    fn idle(pool: &Pool<Self>) -> Option<PoolConnection<Self>> {
        let _ = pool;
        None
    }

    /// Lets the writers of this process at the database of `pool`, first come first served, where it takes so few at a time
    /// and does not line them up itself.
    #[must_use]
    fn writers(pool: &Pool<Self>) -> Option<Arc<Semaphore>> {
        let _ = pool;
        None
    }

    /// The live table; `None` when there is no such table.
    fn describe<'a>(
        conn: &'a mut Self::Connection,
        schema: Option<&'a str>,
        table: &'a str,
    ) -> BoxFuture<'a, Result<Option<LiveTable>>>;

    /// Whether a column of the live table is the one that the struct names.
    fn same_name(live: &str, declared: &str) -> bool;

    /// What creates `schema` where the application's table lies in one that may not be there yet.
    fn create_schema(schema: &str) -> Option<String>;

    /// Whether a column declared `live` can hold a value that sqlx sends as `wanted`.
    fn fits(live: &str, wanted: &Self::TypeInfo) -> bool;

    /// Whether an account's key declared `live` can be compared with what our own tables keep of it, by index.
    fn fits_key(live: &str, wanted: &Self::TypeInfo) -> bool {
        Self::fits(live, wanted)
    }

    /// Whether a column declared `live`, as long as it has no rows, is good for UUIDs as `repr` says, which sqlx sends as
    /// `wanted`.
    fn fits_uuid(live: &str, repr: Repr, wanted: &Self::TypeInfo) -> bool {
        let _ = repr;
        Self::fits(live, wanted)
    }

    /// What to write when a column whose type does not fit holds UUIDs.
    const UUID_ADVICE: &'static str = "make the column a `uuid`, or the field a `String`";

    /// The forms of the UUIDs in a live column, where the product has no type for them: those of its rows or, as long as
    /// it has none, the one that its declared type is made for. Empty where nothing can be told.
    fn uuid_forms<'a>(
        conn: &'a mut Self::Connection,
        table: &'a Table,
        live: &'a LiveColumn,
    ) -> BoxFuture<'a, Result<Vec<Form>>> {
        let _ = (conn, table, live);
        Box::pin(async { Ok(Vec::new()) })
    }

    /// The type to declare for a value that sqlx sends as `info`.
    fn declare(info: &Self::TypeInfo) -> String;

    /// The default of a NOT NULL column that nothing fills, as SQL: something that sqlx reads back as `info`. None for a
    /// type of the application's own.
    fn filler(info: &Self::TypeInfo) -> Option<&'static str>;

    /// The definition of an identity key: numbered by the database, never reused (SEC-159).
    const IDENTITY: &'static str;

    /// Takes the lock under which migrations run, inside the transaction on `conn`.
    fn migration_lock(conn: &mut Self::Connection) -> BoxFuture<'_, Result<()>>;

    /// Takes back a connection. Its work may have been cut off, by an error, by our patience or because the client has gone:
    /// then it is in the middle of a statement, or of a transaction whose rollback is queued. It goes back to its pool only
    /// if it still works.
    fn take_back(conn: PoolConnection<Self>);

    /// Takes back a connection whose work was cut off while a transaction began: nobody knows whether it has, and sqlx queues no
    /// rollback for it.
    fn take_back_begun(conn: PoolConnection<Self>) {
        Self::take_back(conn);
    }

    /// Whether `error` means that the database cannot be reached or is overloaded, as opposed to refusing us.
    fn is_unavailable(error: &sqlx::Error) -> bool;
}

/// Sorts a product's error into ours.
pub(crate) fn classify<D: Dialect>(error: sqlx::Error) -> Error {
    let unavailable = D::is_unavailable(&error);
    match error {
        sqlx::Error::Database(refusal) => {
            let refusal = Box::new(Refusal::new::<D>(refusal));
            if unavailable {
                Error::Unavailable(refusal)
            } else {
                Error::Store(refusal)
            }
        }
        error if unavailable => Error::Unavailable(Box::new(error)),
        error => error.into(),
    }
}
