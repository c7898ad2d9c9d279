//! PostgreSQL, 14 and later.

use std::borrow::Cow;
use std::str::FromStr;
use std::time::Duration;

use futures_util::future::BoxFuture;
pub use sqlx::Postgres;
use sqlx::encode::IsNull;
use sqlx::error::{BoxDynError, DatabaseError};
use sqlx::pool::PoolConnection;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{
    PgArgumentBuffer, PgConnectOptions, PgConnection, PgDatabaseError, PgPoolOptions, PgTypeInfo,
    PgValueRef,
};
use sqlx::types::Uuid;
use sqlx::{Connection, Decode, Encode, Pool, Row, Type, TypeInfo};

use super::dialect::{
    Args, Dialect, LiveColumn, LiveTable, Rights, Types, Value, classify, run_statements,
};
use super::repr::{Hyphenated, Simple};
use super::text::Syntax;
use crate::account::Table;
use crate::error::{Error, Result};

/// How long the start waits for a first connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// A connection that has been idle for longer is asked whether it is still there before it is used: a server that was
/// restarted has closed it.
const IDLE: Duration = Duration::from_secs(1);

/// What a connection whose work was cut off has to answer within, to go on being used.
const ANSWER: Duration = Duration::from_secs(1);

/// Names the lock of the migrations among the application's own advisory locks; "crudauth" in ASCII.
const MIGRATIONS: i64 = 0x6372_7564_6175_7468;

const UNIQUE_VIOLATION: &str = "23505";

/// Everything that [`describe`](Dialect::describe) wants to know of a table; no row when it is not there. A name without a
/// schema is found as a statement would find it, by the search path. A domain is described as the type below it. Row-level
/// security lets nobody do what no policy permits.
const DESCRIBE: &str = r"
SELECT a.attname::text,
       CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) ELSE format_type(a.atttypid, a.atttypmod) END,
       NOT (a.attnotnull OR t.typnotnull),
       a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL,
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid
               AND i.indpred IS NULL AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum),
       a.attgenerated <> '' OR a.attidentity = 'a',
       CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END,
       (SELECT d.refobjid::regclass::text FROM pg_attrdef f JOIN pg_depend d ON d.objid = f.oid
        AND d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass
        JOIN pg_class s ON s.oid = d.refobjid WHERE f.adrelid = c.oid AND f.adnum = a.attnum
        AND CASE s.relkind WHEN 'S' THEN NOT has_sequence_privilege(s.oid, 'USAGE, UPDATE') END LIMIT 1),
       has_column_privilege(c.oid, a.attnum, 'SELECT'),
       has_column_privilege(c.oid, a.attnum, 'INSERT'),
       has_column_privilege(c.oid, a.attnum, 'UPDATE'),
       c.relkind::text,
       has_schema_privilege(c.relnamespace, 'USAGE'),
       has_table_privilege(c.oid, 'DELETE'),
       ARRAY(SELECT v.command FROM (VALUES ('SELECT', 'r'), ('INSERT', 'a'), ('UPDATE', 'w'), ('DELETE', 'd')) v(command, code)
             WHERE row_security_active(c.oid) AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid
             AND p.polpermissive AND p.polcmd::text IN (v.code, '*')
             AND (0 = ANY (p.polroles) OR EXISTS (SELECT FROM unnest(p.polroles) r WHERE pg_has_role(r, 'USAGE')))))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN pg_type t ON t.oid = a.atttypid
WHERE CASE WHEN $1 IS NULL THEN c.oid = to_regclass(quote_ident($2)) ELSE n.nspname = $1 AND c.relname = $2 END
  AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY a.attnum";

/// The columns of a table that a constraint looks at: its own constraint, or the one of a column's domain.
const CONSTRAINED: &str = r"
SELECT a.attname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_constraint k ON k.conname = $3
  AND (k.contypid = a.atttypid OR k.conrelid = c.oid AND a.attnum = ANY (k.conkey))
WHERE CASE WHEN $1 IS NULL THEN c.oid = to_regclass(quote_ident($2)) ELSE n.nspname = $1 AND c.relname = $2 END
ORDER BY a.attnum";

/// A text whose type the server finds out. Declared as `text`, it would make `citext = text` out of a comparison with a
/// column of type `citext`, which tells capitals from small letters.
struct Untyped<'a>(Option<&'a str>);

impl Type<Postgres> for Untyped<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Untyped<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        match self.0 {
            // No text in PostgreSQL holds this character: it equals none of them, which is what NULL says.
            Some(text) if !text.contains('\0') => <&str as Encode<Postgres>>::encode(text, buffer),
            _ => Ok(IsNull::Yes),
        }
    }
}

impl Dialect for Postgres {
    const KEYWORD: &'static str = "postgres";
    // Not FOR UPDATE: that would also wait for everybody who inserts a row that refers to the account.
    const SYNTAX: Syntax = Syntax {
        quote: b'"',
        row_lock: " FOR NO KEY UPDATE",
        free_row_lock: " FOR UPDATE SKIP LOCKED",
    };
    const BEGIN_WRITE: &'static str = "BEGIN ISOLATION LEVEL READ COMMITTED";
    const TYPES: Types = Types {
        int: "BIGINT",
        text: "TEXT",
        key_text: "TEXT",
        digest: "BYTEA",
        end: ")",
    };
    const IDENTITY: &'static str = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY";

    run_statements!();

    fn bind(args: &mut Args<Self>, value: Value<'_>) -> Result<()> {
        match value {
            Value::Int(value) => args.push(value),
            Value::Flag(value) => args.push(value),
            Value::Text(value) => args.push(Untyped(value)),
            Value::Blob(value) => args.push(value),
        }
    }

    fn is_about_values(refusal: &dyn DatabaseError) -> bool {
        // Data exceptions, violated constraints, a view's WITH CHECK OPTION; what a trigger of the application's raises.
        let code = refusal.code().unwrap_or_default();
        ["22", "23", "44"]
            .iter()
            .any(|class| code.starts_with(class))
            || code == "P0001"
    }

    fn constrained<'a>(
        conn: &'a mut Self::Connection,
        table: &'a Table,
        violation: &'a dyn DatabaseError,
    ) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(async move {
            let Some(constraint) = violation.constraint() else {
                return Ok(Vec::new());
            };
            let columns = sqlx::query_scalar(CONSTRAINED)
                .bind(table.schema)
                .bind(table.name)
                .bind(constraint);
            columns.fetch_all(conn).await.map_err(classify::<Self>)
        })
    }

    fn refusing_column(violation: &dyn DatabaseError) -> Option<String> {
        let violation = violation.try_downcast_ref::<PgDatabaseError>()?;
        if let Some(column) = violation.column() {
            return Some(column.to_owned());
        }
        if violation.code() != UNIQUE_VIOLATION {
            return None;
        }
        // "Key (phone)=(555) already exists.", in whatever language; an expression or a list of columns is no one column.
        let (_, key) = violation.detail()?.split_once('(')?;
        let (column, _) = key.split_once(")=(")?;
        match column.strip_prefix('"') {
            Some(quoted) => quoted
                .strip_suffix('"')
                .map(|name| name.replace("\"\"", "\"")),
            None => (!column.contains(['(', ',', ' '])).then(|| column.to_owned()),
        }
    }

    fn open(url: &str) -> BoxFuture<'_, Result<Pool<Self>>> {
        Box::pin(async move {
            let mut options = PgConnectOptions::from_str(url).map_err(|error| {
                Error::config(format!("the database URL cannot be read: {error}"))
            })?;
            if options.get_application_name().is_none() {
                options = options.application_name("crudauth");
            }
            let pool = PgPoolOptions::new()
                .acquire_timeout(PATIENCE)
                .test_before_acquire(false)
                .before_acquire(|conn, about| {
                    Box::pin(async move {
                        if about.idle_for > IDLE {
                            conn.ping().await?;
                        }
                        Ok(true)
                    })
                });
            match pool.connect_with(options.clone()).await {
                Ok(pool) => Ok(pool),
                Err(error) => Err(Error::config(no_connection(error, &options).await)),
            }
        })
    }

    fn describe<'a>(
        conn: &'a mut Self::Connection,
        schema: Option<&'a str>,
        table: &'a str,
    ) -> BoxFuture<'a, Result<Option<LiveTable>>> {
        Box::pin(async move {
            let rows = sqlx::query(DESCRIBE)
                .bind(schema)
                .bind(table)
                .fetch_all(conn)
                .await
                .map_err(classify::<Self>)?;
            let Some(first) = rows.first() else {
                return Ok(None);
            };
            let kind: String = first.try_get(11)?;
            let (reachable, delete, hidden) =
                (first.try_get(12)?, first.try_get(13)?, first.try_get(14)?);
            let columns = rows.iter().map(|row| {
                let sql_type: String = row.try_get(1)?;
                let modifier: i32 = row.try_get(6)?;
                Ok(LiveColumn {
                    name: row.try_get(0)?,
                    nullable: row.try_get(2)?,
                    has_default: row.try_get(3)?,
                    unique: row.try_get(4)?,
                    computed: row.try_get(5)?,
                    reuses_ids: false, // sequences only go on
                    room: room(&sql_type, modifier),
                    sequence: row.try_get(7)?,
                    rights: Rights {
                        select: row.try_get(8)?,
                        insert: row.try_get(9)?,
                        update: row.try_get(10)?,
                    },
                    sql_type,
                })
            });
            Ok(Some(LiveTable {
                columns: columns.collect::<Result<_>>()?,
                instead: match &*kind {
                    "r" => None,
                    "p" => Some("a partitioned table, where no two columns can each be unique"),
                    "f" => Some("a foreign table, which has no unique indexes"),
                    _ => Some("a view"),
                },
                reachable,
                delete,
                hidden,
            }))
        })
    }

    fn same_name(live: &str, declared: &str) -> bool {
        live == declared // our statements quote every name
    }

    fn create_schema(schema: &str) -> Option<String> {
        Some(format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\""))
    }

    fn fits(live: &str, wanted: &PgTypeInfo) -> bool {
        match wanted.name() {
            // Not `character`, which comes back padded with blanks, nor `name`, which cuts off what is too long for it.
            "TEXT" | "VARCHAR" => ["text", "character varying", "citext"].contains(&&*bare(live)),
            known => match declared(known) {
                Some(name) => bare(live) == name,
                None => true, // a type of the application's own
            },
        }
    }

    fn declare(info: &PgTypeInfo) -> String {
        declared(info.name()).map_or_else(|| info.name().to_owned(), str::to_uppercase)
    }

    fn filler(info: &PgTypeInfo) -> Option<&'static str> {
        Some(match info.name() {
            "BOOL" => "FALSE",
            "INT2" | "INT4" | "INT8" | "FLOAT4" | "FLOAT8" | "NUMERIC" => "0",
            "TEXT" | "VARCHAR" | "BYTEA" => "''",
            "UUID" => "'00000000-0000-0000-0000-000000000000'",
            "DATE" => "CURRENT_DATE",
            "TIME" => "LOCALTIME",
            "TIMESTAMP" => "LOCALTIMESTAMP",
            "TIMESTAMPTZ" => "CURRENT_TIMESTAMP",
            "JSON" | "JSONB" => "'{}'",
            array if array.ends_with("[]") => "'{}'",
            _ => return None,
        })
    }

    fn migration_lock(conn: &mut Self::Connection) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(MIGRATIONS);
            lock.execute(conn).await.map(drop).map_err(classify::<Self>)
        })
    }

    fn take_back(mut conn: PoolConnection<Self>) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return drop(conn.detach());
        };
        // A connection to a server that has gone silent would keep its place in the pool until the network gives up,
        // which takes a quarter of an hour.
        runtime.spawn(async move {
            if !matches!(tokio::time::timeout(ANSWER, conn.ping()).await, Ok(Ok(()))) {
                drop(conn.detach());
            }
        });
    }

    fn is_unavailable(error: &sqlx::Error) -> bool {
        use sqlx::Error as E;
        if matches!(
            error,
            E::Io(_)
                | E::Tls(_)
                | E::Protocol(_)
                | E::PoolTimedOut
                | E::PoolClosed
                | E::BeginFailed
        ) {
            return true;
        }
        let code = error.as_database_error().and_then(DatabaseError::code);
        // Connection exceptions, insufficient resources, operator intervention (a shutdown, a cancelled statement); a
        // server that only reads (a standby); a lock or a serialisation that did not work out: all may work the next time.
        code.is_some_and(|code| {
            ["08", "53", "57"]
                .iter()
                .any(|class| code.starts_with(class))
                || ["25006", "40001", "40P01", "55P03", "55000"].contains(&&*code)
        })
    }
}

/// Why there is no connection at the start.
async fn no_connection(mut error: sqlx::Error, options: &PgConnectOptions) -> String {
    let server = format!("{}:{}", options.get_host(), options.get_port());
    // The pool has tried until its patience ended, and tells of that only. Once more, for what it was told.
    if matches!(error, sqlx::Error::PoolTimedOut) {
        let again = tokio::time::timeout(ANSWER, PgConnection::connect_with(options)).await;
        if let Ok(Err(reason)) = again {
            error = reason;
        }
    }
    let Some(refusal) = error.as_database_error() else {
        return format!("the PostgreSQL server at {server} cannot be reached: {error}");
    };
    if refusal.code().as_deref() == Some("3D000") {
        let name = options.get_database().unwrap_or_default();
        return format!(
            "the PostgreSQL server at {server} has no database `{name}`; make it first: `CREATE DATABASE \"{name}\"`"
        );
    }
    format!(
        "the PostgreSQL server at {server} refuses the connection: {}",
        refusal.message()
    )
}

/// A type without its modifier: `timestamp(3) without time zone` is `timestamp without time zone`.
fn bare(live: &str) -> Cow<'_, str> {
    match live.split_once('(') {
        Some((before, rest)) => {
            let after = rest.split_once(')').map_or("", |(_, after)| after);
            Cow::Owned(format!("{before}{after}"))
        }
        None => Cow::Borrowed(live),
    }
}

/// The limit of a `character varying(…)`. The modifier counts four bytes of a header.
fn room(sql_type: &str, modifier: i32) -> Option<usize> {
    let limited = sql_type.starts_with("character");
    usize::try_from(modifier - 4).ok().filter(|_| limited)
}

/// How the catalogue spells what sqlx names in its own way.
fn declared(name: &str) -> Option<&'static str> {
    Some(match name {
        "BOOL" => "boolean",
        "INT2" => "smallint",
        "INT4" => "integer",
        "INT8" => "bigint",
        "FLOAT4" => "real",
        "FLOAT8" => "double precision",
        "NUMERIC" => "numeric",
        "TEXT" => "text",
        "VARCHAR" => "character varying",
        "BYTEA" => "bytea",
        "UUID" => "uuid",
        "DATE" => "date",
        "TIME" => "time without time zone",
        "TIMESTAMP" => "timestamp without time zone",
        "TIMESTAMPTZ" => "timestamp with time zone",
        "JSON" => "json",
        "JSONB" => "jsonb",
        _ => return None,
    })
}

/// A UUID is a `uuid` here, whatever it is kept as where the product has no such type.
macro_rules! native {
    ($($repr:ident),+) => {$(
        impl Type<Postgres> for $repr {
            fn type_info() -> PgTypeInfo {
                <Uuid as Type<Postgres>>::type_info()
            }

            fn compatible(info: &PgTypeInfo) -> bool {
                <Uuid as Type<Postgres>>::compatible(info)
            }
        }

        impl Encode<'_, Postgres> for $repr {
            fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
                Encode::<Postgres>::encode_by_ref(&self.0, buffer)
            }
        }

        impl<'r> Decode<'r, Postgres> for $repr {
            fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
                Ok(Self(<Uuid as Decode<Postgres>>::decode(value)?))
            }
        }
    )+};
}
native!(Simple, Hyphenated);
