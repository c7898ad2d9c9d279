//! Fixed-window limits.

use futures_util::future::BoxFuture;

use super::{Schema, SqlStore, int, statements};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::policy::Limit;
use crate::store::dialect::{Args, Dialect};
use crate::store::{Digest, Limits};

statements! {
    Hit = "INSERT INTO {@limits} AS l (id, window_start, hits, expires_at) VALUES ($1, $2, 1, $3) \
        ON CONFLICT (id) DO UPDATE SET hits = CASE WHEN l.window_start = $2 THEN l.hits + 1 ELSE 1 END, \
        window_start = $2, expires_at = $3 RETURNING hits";
}

impl<D: Dialect, S: Schema> Limits for SqlStore<D, S> {
    fn hit<'a>(
        &'a self,
        key: &'a Digest,
        limit: Limit,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move {
            let (start, end) = limit.window(now);
            let rows = self
                .fetch::<Hit>(Args::new().blob(Some(key)).at(start).at(end))
                .await?;
            rows.first().map_or(Ok(0), |row| {
                Ok(u64::try_from(int::<D>(row, 0)?).unwrap_or(0))
            })
        })
    }
}
