//! How a product runs statements and reads rows.

/// Implements the part of `Dialect` that reads alike for every product but needs its concrete sqlx types.
macro_rules! run_statements {
    () => {
        fn int(row: &Self::Row, index: usize) -> Result<Option<i64>> {
            Ok(sqlx::Row::try_get(row, index)?)
        }

        fn text(row: &Self::Row, index: usize) -> Result<Option<String>> {
            Ok(sqlx::Row::try_get(row, index)?)
        }

        fn blob(row: &Self::Row, index: usize) -> Result<Option<Vec<u8>>> {
            Ok(sqlx::Row::try_get(row, index)?)
        }

        async fn execute(
            conn: &mut Self::Connection,
            sql: &'static str,
            args: Args<Self>,
        ) -> Result<u64> {
            let done = sqlx::query_with(sql, args.into_inner()?)
                .execute(conn)
                .await;
            Ok(done.map_err(classify::<Self>)?.rows_affected())
        }

        async fn fetch(
            conn: &mut Self::Connection,
            sql: &'static str,
            args: Args<Self>,
        ) -> Result<Vec<Self::Row>> {
            sqlx::query_with(sql, args.into_inner()?)
                .fetch_all(conn)
                .await
                .map_err(classify::<Self>)
        }

        async fn first(
            conn: &mut Self::Connection,
            sql: &'static str,
            args: Args<Self>,
        ) -> Result<Option<Self::Row>> {
            sqlx::query_with(sql, args.into_inner()?)
                .fetch_optional(conn)
                .await
                .map_err(classify::<Self>)
        }

        fn define(conn: &mut Self::Connection, sql: String) -> BoxFuture<'_, Result<()>> {
            Box::pin(async move {
                let done = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(conn).await;
                done.map(drop).map_err(classify::<Self>)
            })
        }
    };
}
pub(crate) use run_statements;
