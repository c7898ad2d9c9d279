//! Budgets for failed sign-ins: one row per client address, account, pair and known browser.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{Schema, SqlStore, commit, int, sql, statements};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::policy::LockoutPolicy;
use crate::store::attempts::{Counter, judge};
use crate::store::dialect::{Args, Dialect};
use crate::store::{Attempts, Buckets, Digest, Reservation, Settlement};

/// A reservation that is never settled (its process died) stops holding a place after this long.
const ABANDONED: Duration = Duration::from_mins(1);

/// The rows that every attempt counts in.
macro_rules! counters {
    () => {
        "INSERT INTO {@attempts} AS a (id, window_start, failures, pending, pending_until, locked_until, rounds, \
        rounds_until, run, expires_at) VALUES ($1, $5, 0, 1, $6, 0, 0, 0, 0, $7), ($2, $5, 0, 1, $6, 0, 0, 0, 0, $7), \
        ($3, $5, 0, 1, $6, 0, 0, 0, 0, $7)"
    };
}

/// What counting does to a row that is there already.
macro_rules! on_conflict {
    () => {
        " ON CONFLICT (id) DO UPDATE SET \
        failures = CASE WHEN a.window_start BETWEEN $4 AND $9 THEN a.failures ELSE 0 END, \
        window_start = CASE WHEN a.window_start BETWEEN $4 AND $9 THEN a.window_start ELSE $5 END, \
        pending = CASE WHEN a.pending_until BETWEEN $5 AND $9 THEN a.pending + 1 ELSE 1 END, \
        pending_until = CASE WHEN a.pending_until BETWEEN $5 AND $9 AND a.pending + CASE WHEN a.window_start \
        BETWEEN $4 AND $9 THEN a.failures ELSE 0 END >= $8 THEN a.pending_until ELSE $6 END, \
        expires_at = CASE WHEN a.expires_at < $7 THEN $7 ELSE a.expires_at END \
        RETURNING id, failures, pending, locked_until, rounds, rounds_until, run"
    };
}

/// Locks an attempt's rows, all of them and in order, before any is changed.
macro_rules! held {
    () => {
        "WITH held AS (SELECT id, failures, window_start FROM {@attempts} WHERE id IN ($1, $2, $3, $4) ORDER BY id{lock}) "
    };
}

statements! {
    /// Counts the attempt in every row at once and returns what stands there now. Everybody locks the rows in the order of
    /// their ids, so two attempts never wait for each other in a circle.
    /// An attempt that finds every place held does not prolong the hold: places that a dead process left behind would
    /// otherwise never lapse while somebody keeps trying. What lies beyond $9 was written by a clock that has been set
    /// back since, and counts as past.
    Reserve = concat!(counters!(), on_conflict!());
    ReserveWithDevice = concat!(counters!(), ", ($10, $5, 0, 1, $6, 0, 0, 0, 0, $7)", on_conflict!());
    Refuse = "UPDATE {@attempts} SET pending = pending - 1, locked_until = $2, rounds = $3, rounds_until = $4, \
        expires_at = CASE WHEN expires_at < $4 THEN $4 ELSE expires_at END WHERE id = $1";
    Failed = concat!(held!(), "UPDATE {@attempts} AS a SET pending = CASE WHEN a.pending > 0 THEN a.pending - 1 ELSE 0 END, \
        failures = a.failures + 1, run = a.run + CASE WHEN a.id = $2 THEN 1 ELSE 0 END \
        FROM held WHERE a.id = held.id");
    Released = concat!(held!(), "UPDATE {@attempts} AS a SET pending = CASE WHEN a.pending > 0 THEN a.pending - 1 ELSE 0 END \
        FROM held WHERE a.id = held.id");
    /// What this account caused is cleared; the address gets back exactly the failures that this pair added to it, and
    /// keeps its lock and rounds. The rows held are read before any of them changes, so the pair's count is read once; a
    /// failure from an older window of the pair is not given back. Where the pair's row is gone, swept during an attempt
    /// that took long, there is nothing to give back, and the other rows are settled all the same.
    Succeeded = concat!(held!(), "UPDATE {@attempts} AS a SET pending = CASE WHEN a.pending > 0 THEN a.pending - 1 ELSE 0 END, \
        failures = CASE WHEN a.id <> $1 THEN 0 WHEN $5 = 1 AND p.window_start >= a.window_start \
        AND a.failures >= p.failures THEN a.failures - p.failures ELSE a.failures END, \
        locked_until = CASE WHEN a.id = $1 THEN a.locked_until ELSE 0 END, \
        rounds = CASE WHEN a.id = $1 THEN a.rounds ELSE 0 END, \
        rounds_until = CASE WHEN a.id = $1 THEN a.rounds_until ELSE 0 END, run = 0 \
        FROM held LEFT JOIN held AS p ON p.id = $3 WHERE a.id = held.id");
    CountFailure = "INSERT INTO {@attempts} AS a (id, window_start, failures, pending, pending_until, locked_until, \
        rounds, rounds_until, run, expires_at) VALUES ($1, $2, 0, 0, 0, 0, 0, 0, 1, $2) \
        ON CONFLICT (id) DO UPDATE SET run = a.run + 1 WHERE a.run < $3";
    Forgive = "UPDATE {@attempts} SET run = run - 1 WHERE id = $1 AND run > 0";
    Clear = "DELETE FROM {@attempts} WHERE id = $1";
}

/// Ends a reservation inside somebody else's transaction.
pub(super) async fn settle<D: Dialect, S: Schema>(
    conn: &mut D::Connection,
    buckets: &Buckets,
    outcome: Settlement,
) -> Result<()> {
    let device = buckets.device.as_ref().unwrap_or(&buckets.pair);
    let args = Args::new()
        .blob(Some(&buckets.address))
        .blob(Some(&buckets.account));
    let args = args.blob(Some(&buckets.pair)).blob(Some(device));
    let done = match outcome {
        Settlement::Failed => D::execute(conn, sql::<Failed, D, S>(), args).await,
        Settlement::Released => D::execute(conn, sql::<Released, D, S>(), args).await,
        Settlement::Succeeded { clear_address } => {
            D::execute(
                conn,
                sql::<Succeeded, D, S>(),
                args.int(i64::from(clear_address)),
            )
            .await
        }
    };
    done.map(drop)
}

fn read<D: Dialect>(row: &D::Row) -> Result<(Digest, Counter)> {
    let id = D::blob(row, 0)?.and_then(|id| id.try_into().ok());
    let at = |index| int::<D>(row, index).map(Timestamp::from_micros);
    let small = |index| int::<D>(row, index).map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    Ok((
        id.ok_or_else(|| Error::Store("a counter has no id".into()))?,
        Counter {
            failures: small(1)?,
            pending: small(2)?,
            locked_until: at(3)?,
            rounds: small(4)?,
            rounds_until: at(5)?,
            run: small(6)?,
        },
    ))
}

impl<D: Dialect, S: Schema> SqlStore<D, S> {
    async fn reserve_in(
        &self,
        buckets: &Buckets,
        policy: &LockoutPolicy,
        now: Timestamp,
    ) -> Result<Reservation> {
        let mut held = self.hold().await?;
        let mut tx = held.begin().await?;
        let until = now.plus(ABANDONED);
        let forget = now.plus(policy.window.max(ABANDONED));
        let mut ids = vec![buckets.address, buckets.account, buckets.pair];
        ids.extend(buckets.device);
        ids.sort_unstable();
        let mut ids = ids.iter();
        let mut id = || ids.next().map(<[u8; 32]>::as_slice);
        let args = Args::new().blob(id()).blob(id()).blob(id());
        let args = args
            .at(now.minus(policy.window).plus(Duration::from_micros(1)))
            .at(now)
            .at(until)
            .at(forget)
            .int(i64::from(policy.max_attempts))
            .at(now.plus(policy.window.max(ABANDONED).saturating_mul(2)));
        let rows = match &buckets.device {
            Some(_) => D::fetch(&mut tx, sql::<ReserveWithDevice, D, S>(), args.blob(id())).await?,
            None => D::fetch(&mut tx, sql::<Reserve, D, S>(), args).await?,
        };
        let mut counters = rows.iter().map(read::<D>).collect::<Result<Vec<_>>>()?;
        let reservation = judge(&mut counters, buckets, policy, now);
        if reservation != Reservation::Granted {
            for (id, counter) in &counters {
                let args = Args::new().blob(Some(id)).at(counter.locked_until);
                let args = args.int(i64::from(counter.rounds)).at(counter.rounds_until);
                D::execute(&mut tx, sql::<Refuse, D, S>(), args).await?;
            }
        }
        commit(tx).await?;
        Ok(reservation)
    }
}

impl<D: Dialect, S: Schema> Attempts for SqlStore<D, S> {
    fn reserve<'a>(
        &'a self,
        buckets: &'a Buckets,
        policy: &'a LockoutPolicy,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Reservation>> {
        Box::pin(self.in_time(self.reserve_in(buckets, policy, now)))
    }

    fn settle<'a>(
        &'a self,
        buckets: &'a Buckets,
        outcome: Settlement,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.in_time(async move {
            let mut held = self.hold().await?;
            held.turn().await;
            settle::<D, S>(&mut held, buckets, outcome).await
        }))
    }

    fn count_failure<'a>(
        &'a self,
        account: &'a Digest,
        hard_stop: u32,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<bool>> {
        let args = Args::new()
            .blob(Some(account))
            .at(now)
            .int(i64::from(hard_stop));
        Box::pin(async move { Ok(self.execute::<CountFailure>(args).await? > 0) })
    }

    fn forgive<'a>(&'a self, account: &'a Digest) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.execute::<Forgive>(Args::new().blob(Some(account)))
                .await
                .map(drop)
        })
    }

    fn clear<'a>(&'a self, account: &'a Digest) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.execute::<Clear>(Args::new().blob(Some(account)))
                .await
                .map(drop)
        })
    }
}
