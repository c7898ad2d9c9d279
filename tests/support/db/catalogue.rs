//! What a database says of itself: its tables, their bytes, the plans of its statements.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Column, Row, TypeInfo, ValueRef};

use super::Db;

impl Db {
    /// The tables that somebody made, by name.
    pub async fn tables(&self) -> Vec<String> {
        let tables = match self {
            Self::Sqlite(_) => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
            }
            Self::Postgres(_) => {
                "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename COLLATE \"C\""
            }
        };
        self.query(tables).scalars().await
    }

    /// The columns of a table, in order.
    pub async fn columns(&self, table: &str) -> Vec<String> {
        let columns = match self {
            Self::Sqlite(_) => "SELECT name FROM pragma_table_info($1)",
            Self::Postgres(_) => {
                "SELECT attname::text FROM pg_attribute
                 WHERE attrelid = to_regclass(quote_ident($1)) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
            }
        };
        self.query(columns).bind(table).scalars().await
    }

    /// The rows of a table as text: for comparing it with itself.
    pub async fn dump(&self, table: &str) -> Vec<String> {
        let sql = match self {
            Self::Sqlite(_) => {
                let columns = self.columns(table).await;
                let quoted = columns.iter().map(|name| format!("quote(\"{name}\")"));
                let row = quoted.collect::<Vec<_>>().join(" || ',' || ");
                format!("SELECT {row} FROM \"{table}\" ORDER BY 1")
            }
            Self::Postgres(_) => format!("SELECT t::text FROM \"{table}\" t ORDER BY 1"),
        };
        self.query(sql).scalars().await
    }

    /// Each value of a table as it is sent, under its column's name; on SQLite texts and blobs only.
    pub async fn bytes(&self, table: &str) -> Vec<(String, Vec<u8>)> {
        let sql = AssertSqlSafe(format!("SELECT * FROM \"{table}\""));
        let mut values = Vec::new();
        match self {
            Self::Sqlite(pool) => {
                for row in sqlx::query(sql).fetch_all(pool).await.unwrap() {
                    for column in row.columns() {
                        let index = column.ordinal();
                        let bytes = match row.try_get_raw(index).unwrap().type_info().name() {
                            "BLOB" => row.get::<Vec<u8>, _>(index),
                            "TEXT" => row.get::<String, _>(index).into_bytes(),
                            _ => continue,
                        };
                        values.push((column.name().to_owned(), bytes));
                    }
                }
            }
            Self::Postgres(pool) => {
                for row in sqlx::query(sql).fetch_all(pool).await.unwrap() {
                    for column in row.columns() {
                        let value = row.try_get_raw(column.ordinal()).unwrap();
                        if !value.is_null() {
                            let bytes = value.as_bytes().unwrap().to_vec();
                            values.push((column.name().to_owned(), bytes));
                        }
                    }
                }
            }
        }
        values
    }

    /// The files of the database, in which deleted rows are still to be found.
    pub async fn files(&self) -> Vec<Vec<u8>> {
        match self {
            Self::Sqlite(_) => {
                let main = "SELECT file FROM pragma_database_list WHERE name = 'main'";
                let main: String = self.query(main).scalar().await;
                let files = ["", "-wal"].map(|end| std::fs::read(format!("{main}{end}")));
                files.into_iter().filter_map(Result::ok).collect()
            }
            Self::Postgres(_) => {
                self.run("CHECKPOINT").await;
                let files = "SELECT pg_read_binary_file(pg_relation_filepath(oid)) FROM pg_class
                             WHERE oid >= 16384 AND pg_relation_filepath(oid) IS NOT NULL";
                self.query(files).scalars().await
            }
        }
    }

    /// What a process that has ended may leave behind: a damaged file, or a transaction that goes on.
    pub async fn wreckage(&self) -> Vec<String> {
        match self {
            Self::Sqlite(_) => {
                let check = "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'";
                self.query(check).scalars().await
            }
            Self::Postgres(_) => {
                // The server notices by itself that nobody is there any more, but not in the same instant.
                let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
                let open = "SELECT query FROM pg_stat_activity
                            WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL";
                loop {
                    let left: Vec<String> = self.query(open).scalars().await;
                    if left.is_empty() || tokio::time::Instant::now() > deadline {
                        return left;
                    }
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// The steps of the statement's plan that read a table or an index from end to end, where an index could be used.
    pub async fn full_scans(&self, statement: &str) -> Vec<String> {
        let mut steps: Vec<String> = match self {
            Self::Sqlite(pool) => {
                let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
                let rows = sqlx::query(explain).fetch_all(pool).await.unwrap();
                rows.iter().map(|row| row.get("detail")).collect()
            }
            Self::Postgres(pool) => {
                // A table of a few rows would always be read whole; and a plan needs no values if it is a generic one.
                let values = (1..100)
                    .take_while(|number| statement.contains(&format!("${number}")))
                    .map(|_| "NULL")
                    .collect::<Vec<_>>();
                let values = match values.join(", ") {
                    none if none.is_empty() => none,
                    values => format!("({values})"),
                };
                let explain = AssertSqlSafe(format!(
                    "BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan;
                     PREPARE probe AS {statement}; EXPLAIN (COSTS OFF) EXECUTE probe{values}; DEALLOCATE probe; ROLLBACK"
                ));
                let rows = sqlx::raw_sql(explain).fetch_all(pool).await.unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
        };
        assert!(!steps.is_empty(), "no plan of {statement}");
        let below: Vec<_> = steps
            .iter()
            .skip(1)
            .cloned()
            .chain([String::new()])
            .collect();
        let mut below = below.iter();
        steps.retain(|step| {
            let condition = below
                .next()
                .is_some_and(|below| below.contains("Index Cond:"));
            let by_index = step.contains("Index Scan") || step.contains("Index Only Scan");
            step.starts_with("SCAN") || step.contains("Seq Scan") || (by_index && !condition)
        });
        steps
    }
}
