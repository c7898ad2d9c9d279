//! What PostgreSQL's catalogue says of the application's table, and of ours.

use sqlx::error::DatabaseError;
use sqlx::{PgConnection, Postgres, Row};

use crate::account::Table;
use crate::error::Result;
use crate::store::dialect::classify;
use crate::store::live::{LiveColumn, LiveTable, Rights};

/// Everything that [`describe`] wants to know of a table; no row when it is not there. A name without a
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

/// The live table; `None` when there is none.
pub(super) async fn describe(
    conn: &mut PgConnection,
    schema: Option<&str>,
    table: &str,
) -> Result<Option<LiveTable>> {
    let rows = sqlx::query(DESCRIBE)
        .bind(schema)
        .bind(table)
        .fetch_all(conn)
        .await
        .map_err(classify::<Postgres>)?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let kind: String = first.try_get(11)?;
    let (reachable, delete, hidden) = (first.try_get(12)?, first.try_get(13)?, first.try_get(14)?);
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
}

/// The columns that a violated constraint looks at.
pub(super) async fn constrained(
    conn: &mut PgConnection,
    table: &Table,
    violation: &dyn DatabaseError,
) -> Result<Vec<String>> {
    let Some(constraint) = violation.constraint() else {
        return Ok(Vec::new());
    };
    let columns = sqlx::query_scalar(CONSTRAINED)
        .bind(table.schema)
        .bind(table.name)
        .bind(constraint);
    columns.fetch_all(conn).await.map_err(classify::<Postgres>)
}

/// The limit of a `character varying(…)`. The modifier counts four bytes of a header.
fn room(sql_type: &str, modifier: i32) -> Option<usize> {
    let limited = sql_type.starts_with("character");
    usize::try_from(modifier - 4).ok().filter(|_| limited)
}
