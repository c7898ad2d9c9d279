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
    Hits = "SELECT hits FROM {@limits} WHERE id = $1 AND window_start = $2";
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
            hits::<D>(
                &self
                    .returning::<Hit>(Args::new().blob(Some(key)).at(start).at(end))
                    .await?,
            )
        })
    }

    fn hits<'a>(
        &'a self,
        key: &'a Digest,
        limit: Limit,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move {
            let (start, _) = limit.window(now);
            hits::<D>(
                &self
                    .fetch::<Hits>(Args::new().blob(Some(key)).at(start))
                    .await?,
            )
        })
    }
}

fn hits<D: Dialect>(rows: &[D::Row]) -> Result<u64> {
    let hits = rows.first().map_or(Ok(0), |row| int::<D>(row, 0))?;
    Ok(u64::try_from(hits).unwrap_or(0))
}
