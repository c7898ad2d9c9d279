//! SQLite: the embedded default.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
pub use sqlx::Sqlite;
use sqlx::encode::IsNull;
use sqlx::error::{BoxDynError, DatabaseError, ErrorKind};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteArgumentsBuffer, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions,
    SqliteSynchronous, SqliteTypeInfo, SqliteValueRef,
};
use sqlx::{Decode, Encode, Pool, Type, TypeInfo};
use tokio::sync::Semaphore;

use super::dialect::{Args, Dialect, Types, Value, classify};
use super::live::{LiveColumn, LiveTable, Rights};
use super::repr::{Form, Hyphenated, Simple};
use super::run_statements::run_statements;
use super::text::Syntax;
use crate::account::{Repr, Table};
use crate::error::{Error, Result};

mod writers;

/// How long a statement waits for another process's write lock. Below the 2 s in which a dead database must show (SEC-147).
const BUSY: Duration = Duration::from_millis(1800);

impl Dialect for Sqlite {
    const KEYWORD: &'static str = "sqlite";
    // The write lock is the database's, taken by BEGIN IMMEDIATE: rows need none.
    const SYNTAX: Syntax = Syntax {
        quote: b'"',
        row_lock: "",
        free_row_lock: "",
    };
    const BEGIN_WRITE: &'static str = "BEGIN IMMEDIATE";
    const TYPES: Types = Types {
        int: "INTEGER",
        text: "TEXT",
        key_text: "TEXT",
        digest: "BLOB",
        end: ") WITHOUT ROWID",
    };
    // Without AUTOINCREMENT the key of the newest row is given out again once that row is deleted.
    const IDENTITY: &'static str = "INTEGER PRIMARY KEY AUTOINCREMENT";

    run_statements!();

    fn writers(pool: &Pool<Self>) -> Option<Arc<Semaphore>> {
        Some(writers::queue(pool.connect_options().get_filename()))
    }

    fn bind(args: &mut Args<Self>, value: Value<'_>) -> Result<()> {
        match value {
            Value::Int(value) => args.push(value),
            Value::Flag(value) => args.push(value),
            Value::Text(value) => args.push(value),
            Value::Blob(value) => args.push(value),
        }
    }

    fn is_about_values(refusal: &dyn DatabaseError) -> bool {
        // Primary result codes: TOOBIG, CONSTRAINT, MISMATCH.
        primary(refusal).is_some_and(|code| [18, 19, 20].contains(&code))
    }

    fn constrained<'a>(
        _: &'a mut Self::Connection,
        table: &'a Table,
        violation: &'a dyn DatabaseError,
    ) -> BoxFuture<'a, Result<Vec<String>>> {
        // "CHECK constraint failed: age > 0": the name of the constraint or, where it has none, its text.
        let text = violation.message().split_once("CHECK constraint failed: ");
        let words = text
            .map_or("", |(_, text)| text)
            .split(|c: char| !c.is_alphanumeric() && c != '_');
        let columns = table
            .columns
            .iter()
            .filter(|column| words.clone().any(|word| Self::same_name(word, column.name)));
        let columns = columns.map(|column| column.name.to_owned()).collect();
        Box::pin(async { Ok(columns) })
    }

    fn refusing_column(violation: &dyn DatabaseError) -> Option<String> {
        if !matches!(
            violation.kind(),
            ErrorKind::UniqueViolation | ErrorKind::NotNullViolation
        ) {
            return None;
        }
        // "UNIQUE constraint failed: users.phone"; an index over an expression is named "index 'users_lower'".
        let (_, refused) = violation.message().split_once("constraint failed: ")?;
        let (_, column) = refused.rsplit_once('.')?;
        (!refused.contains([',', '\''])).then(|| column.to_owned())
    }

    fn open(url: &str) -> BoxFuture<'_, Result<Pool<Self>>> {
        Box::pin(async move {
            let options = SqliteConnectOptions::from_str(url)
                .map_err(|error| {
                    Error::config(format!("the database URL cannot be read: {error}"))
                })?
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Normal)
                .busy_timeout(BUSY)
                .foreign_keys(true);
            // An in-memory database belongs to one connection: a second one would see an empty database, and an idle
            // one that is closed takes the data along.
            let memory = url.contains(":memory:") || url.contains("mode=memory");
            let pool = SqlitePoolOptions::new()
                .max_connections(if memory { 1 } else { 8 })
                .min_connections(u32::from(memory))
                .idle_timeout(if memory {
                    None
                } else {
                    Some(Duration::from_mins(10))
                })
                .max_lifetime(if memory {
                    None
                } else {
                    Some(Duration::from_mins(30))
                })
                .acquire_timeout(Duration::from_secs(2))
                .test_before_acquire(false);
            // Ten processes that switch one new file to WAL at once find it busy without the timeout applying.
            let mut tries = 0;
            loop {
                match pool.clone().connect_with(options.clone()).await {
                    Err(error)
                        if tries < 20 && Self::is_unavailable(&error) && !is_missing(&error) =>
                    {
                        tries += 1;
                        tokio::time::sleep(Duration::from_millis(20 * tries)).await;
                    }
                    done => {
                        return done.map_err(|error| {
                            Error::config(format!(
                                "the SQLite file cannot be opened or written: {error}"
                            ))
                        });
                    }
                }
            }
        })
    }

    fn idle(pool: &Pool<Self>) -> Option<PoolConnection<Self>> {
        pool.try_acquire()
    }

    fn describe<'a>(
        conn: &'a mut Self::Connection,
        schema: Option<&'a str>,
        table: &'a str,
    ) -> BoxFuture<'a, Result<Option<LiveTable>>> {
        Box::pin(async move {
            let schema = schema.unwrap_or("main");
            let text = "SELECT type, sql FROM sqlite_master WHERE type IN ('table', 'view') AND lower(name) = lower($1)";
            let made = sqlx::query_as::<_, (String, Option<String>)>(text)
                .bind(table)
                .fetch_optional(&mut *conn)
                .await;
            let (kind, made) = made.map_err(classify::<Self>)?.unwrap_or_default();
            let made = made.unwrap_or_default().to_uppercase();
            let columns: Vec<(String, String, bool, Option<String>, i64, i64)> = sqlx::query_as(
                r#"SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo($1, $2)"#,
            )
            .bind(table)
            .bind(schema)
            .fetch_all(&mut *conn)
            .await
            .map_err(classify::<Self>)?;
            let unique: Vec<String> = sqlx::query_scalar(
                r#"SELECT min(c.name) FROM pragma_index_list($1, $2) i, pragma_index_info(i.name, $2) c
                   WHERE i."unique" AND NOT i.partial GROUP BY i.name HAVING count(*) = 1 AND min(c.name) IS NOT NULL"#,
            )
            .bind(table)
            .bind(schema)
            .fetch_all(&mut *conn)
            .await
            .map_err(classify::<Self>)?;
            if columns.is_empty() {
                return Ok(None);
            }
            let keys = columns.iter().filter(|column| column.4 > 0).count();
            let columns = columns
                .into_iter()
                .map(|(name, sql_type, not_null, default, key, hidden)| {
                    let rowid = key > 0 && keys == 1 && sql_type.eq_ignore_ascii_case("INTEGER");
                    LiveColumn {
                        unique: (key > 0 && keys == 1) || unique.contains(&name),
                        nullable: !not_null && key == 0,
                        has_default: default.is_some() || rowid || hidden > 1,
                        computed: hidden > 1,
                        room: None, // a declared length is a remark
                        sequence: None,
                        reuses_ids: rowid && !made.contains("AUTOINCREMENT"),
                        rights: Rights::ALL,
                        name,
                        sql_type,
                    }
                })
                .collect();
            Ok(Some(LiveTable {
                columns,
                instead: (kind == "view").then_some("a view"),
                reachable: true,
                delete: true,
                hidden: Vec::new(),
            }))
        })
    }

    fn same_name(live: &str, declared: &str) -> bool {
        live.eq_ignore_ascii_case(declared) // quoted or not
    }

    fn create_schema(_: &str) -> Option<String> {
        None // a schema is an attached file
    }

    fn take_back(conn: PoolConnection<Self>) {
        // The statement ends in the connection's own thread, which then rolls back. Closing it would lose a database
        // that lives in memory.
        drop(conn);
    }

    fn fits(live: &str, wanted: &SqliteTypeInfo) -> bool {
        // What SQLite compares by is the affinity of the declared type (datatype3.html §3.1).
        let live = live.to_uppercase();
        let has = |words: &[&str]| words.iter().any(|word| live.contains(word));
        match wanted.name() {
            "TEXT" => has(&["CHAR", "CLOB", "TEXT", "CITEXT"]),
            "BLOB" => live.is_empty() || has(&["BLOB", "UUID", "BINARY"]),
            "INTEGER" | "INT4" | "BIGINT" => has(&["INT"]),
            "BOOLEAN" => has(&["BOOL", "INT"]),
            "DATETIME" | "DATE" | "TIME" => has(&["DATE", "TIME", "TEXT", "CHAR"]),
            "REAL" => has(&["REAL", "FLOA", "DOUB", "NUMERIC", "DECIMAL"]),
            _ => true,
        }
    }

    const UUID_ADVICE: &'static str = "for UUIDs in texts write `#[auth(repr = \"hyphenated\")]`, or `\"simple\"` where they have no dashes";

    fn fits_uuid(live: &str, repr: Repr, wanted: &SqliteTypeInfo) -> bool {
        (is_uuid(live) && repr != Repr::Simple) || Self::fits(live, wanted)
    }

    fn uuid_forms<'a>(
        conn: &'a mut Self::Connection,
        table: &'a Table,
        live: &'a LiveColumn,
    ) -> BoxFuture<'a, Result<Vec<Form>>> {
        Box::pin(async move {
            let rows: Vec<(String, i64, Option<String>)> =
                sqlx::query_as(sqlx::AssertSqlSafe(sample(table, live)))
                    .fetch_all(conn)
                    .await
                    .map_err(classify::<Self>)?;
            let found = rows.iter().map(|row| match row {
                (_, _, Some(text)) => match Form::of_text(text) {
                    Form::Of(Repr::Simple) if !keeps_text(&live.sql_type) => Form::Unsafe,
                    form => form,
                },
                (kind, 16, None) if kind == "blob" => Form::Of(Repr::Blob),
                _ => Form::Unknown,
            });
            let mut forms: Vec<Form> = Vec::new();
            for form in found.chain(rows.is_empty().then(|| made_for(&live.sql_type)).flatten()) {
                if !forms.contains(&form) {
                    forms.push(form);
                }
            }
            Ok(forms)
        })
    }

    fn declare(info: &SqliteTypeInfo) -> String {
        info.name().to_owned()
    }

    fn filler(info: &SqliteTypeInfo) -> Option<&'static str> {
        Some(match info.name() {
            // The nil UUID: bytes of any length will do for a `Vec<u8>`, sixteen for a `Uuid`.
            "BLOB" => "x'00000000000000000000000000000000'",
            "INTEGER" | "REAL" | "NUMERIC" => "0",
            "BOOLEAN" => "FALSE",
            "DATETIME" => "CURRENT_TIMESTAMP",
            "DATE" => "CURRENT_DATE",
            "TIME" => "CURRENT_TIME",
            _ => "''",
        })
    }

    fn migration_lock(_: &mut Self::Connection) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Ok(()) }) // BEGIN IMMEDIATE is the lock
    }

    fn is_unavailable(error: &sqlx::Error) -> bool {
        if matches!(
            error,
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed
        ) {
            return true;
        }
        // Primary result codes: BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN, PROTOCOL. The low byte of an extended code.
        primary_code(error).is_some_and(|code| [5, 6, 8, 10, 13, 14, 15].contains(&code))
    }
}

/// Whether a column is declared to hold UUIDs, by one of the names that other products have for them.
fn is_uuid(live: &str) -> bool {
    ["UUID", "GUID", "UNIQUEIDENTIFIER"].contains(&&*live.to_uppercase())
}

/// Whether a text stays a text. To a column declared `UUID`, for one, SQLite gives numeric affinity: a text of digits alone,
/// or with one `e` among them, is stored as the number that it spells. Dashes keep it a text.
fn keeps_text(live: &str) -> bool {
    let live = live.to_uppercase();
    let has = |word| live.contains(word);
    live.is_empty() || (["CHAR", "CLOB", "TEXT", "BLOB"].into_iter().any(has) && !has("INT"))
}

/// The form that a declared type has room for, and no other.
fn made_for(live: &str) -> Option<Form> {
    let live = live.to_uppercase();
    let repr = if live.contains("BLOB") || live.contains("BINARY") {
        Repr::Blob
    } else if live.ends_with("CHAR(36)") {
        Repr::Hyphenated
    } else if live.ends_with("CHAR(32)") {
        Repr::Simple
    } else {
        return None;
    };
    Some(Form::Of(repr))
}

/// Asks for the kind, the length and the text of some values of a column. With an index the ends of the order are looked
/// up too: every text sorts before every blob, and capitals sort between the digits and the small letters, so that what
/// another program wrote is found in a table of any size.
fn sample(table: &Table, live: &LiveColumn) -> String {
    let (from, column) = (table.quoted('"'), format!("\"{}\"", live.name));
    let mut text = format!("SELECT * FROM (SELECT {column} FROM {from} LIMIT 100)");
    if live.unique {
        for ends in [
            format!("SELECT min({column}) FROM {from}"),
            format!("SELECT max({column}) FROM {from}"),
            format!(
                "SELECT * FROM (SELECT {column} FROM {from} WHERE {column} >= 'A' AND {column} < 'a' LIMIT 1)"
            ),
        ] {
            text.extend([" UNION ALL ", &ends]);
        }
    }
    format!(
        "WITH c(v) AS ({text}) SELECT DISTINCT typeof(v), length(v), CASE typeof(v) WHEN 'text' THEN v END \
         FROM c WHERE v IS NOT NULL"
    )
}

macro_rules! texts {
    ($($form:ty),*) => {$(
        impl Type<Sqlite> for $form {
            fn type_info() -> SqliteTypeInfo {
                <str as Type<Sqlite>>::type_info()
            }
        }

        impl Encode<'_, Sqlite> for $form {
            fn encode_by_ref(&self, args: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
                Encode::<Sqlite>::encode(self.text(), args)
            }
        }

        impl<'r> Decode<'r, Sqlite> for $form {
            fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
                Ok(Self::parse(Decode::<Sqlite>::decode(value)?)?)
            }
        }
    )*};
}
texts!(Simple, Hyphenated);

fn primary_code(error: &sqlx::Error) -> Option<i32> {
    primary(error.as_database_error()?)
}

fn primary(error: &dyn DatabaseError) -> Option<i32> {
    let code = error.code()?;
    code.parse::<i32>().ok().map(|code| code & 0xff)
}

fn is_missing(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(14)
}
