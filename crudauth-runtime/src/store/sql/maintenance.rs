//! Migrations, the check of the live table, and sweeping.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::schema::{MIGRATIONS, Migration, create_table, ledger};
use super::{Prefix, Schema, SqlStore, UserRow, commit, sql, statements, verify};
use crate::account::{AuthUser, Role};
use crate::clock::Timestamp;
use crate::crypto::fold_identifier;
use crate::error::{Error, Result};
use crate::store::dialect::{Args, Column, Dialect};
use crate::store::{Difference, Digest, Maintenance, patience};

statements! {
    Applied = "SELECT id FROM {@migrations} ORDER BY id";
    Record = "INSERT INTO {@migrations} (id, applied_at) VALUES ($1, $2)";
    /// One row of the limits that is no limit: since when somebody has had the turn. What lies beyond $3 was written
    /// by a clock that has been set back since, and counts as past.
    TakeTurn = "INSERT INTO {@limits} AS l (id, window_start, hits, expires_at) VALUES ($1, $2, 1, $3) \
        ON CONFLICT (id) DO UPDATE SET window_start = $2, expires_at = $3 WHERE l.window_start NOT BETWEEN $4 AND $3";
    /// What somebody is using is left for the next time: a sweeper waits for nobody. The rows are picked once, by
    /// themselves: a subquery in the DELETE's own condition may be run again for each row, past the limit.
    SweepSessions = "WITH gone AS (SELECT id FROM {@sessions} WHERE expires_at <= $1 LIMIT $2{lock:free}) \
        DELETE FROM {@sessions} WHERE id IN (SELECT id FROM gone)";
    /// A run of failures outlives its window: it ends with a success or by the application (SEC-037).
    SweepAttempts = "WITH gone AS (SELECT id FROM {@attempts} WHERE expires_at <= $1 AND run = 0 LIMIT $2{lock:free}) \
        DELETE FROM {@attempts} WHERE id IN (SELECT id FROM gone)";
    SweepLimits = "WITH gone AS (SELECT id FROM {@limits} WHERE expires_at <= $1 LIMIT $2{lock:free}) \
        DELETE FROM {@limits} WHERE id IN (SELECT id FROM gone)";
    SweepFamilies = "WITH gone AS (SELECT id FROM {@refresh_tokens} WHERE expires_at <= $1 LIMIT $2{lock:free}) \
        DELETE FROM {@refresh_tokens} WHERE id IN (SELECT id FROM gone)";
    SweepTokens = "WITH gone AS (SELECT id FROM {@tokens} WHERE expires_at <= $1 LIMIT $2{lock:free}) \
        DELETE FROM {@tokens} WHERE id IN (SELECT id FROM gone)";
    /// The worker deletes what has expired when its turn comes. This is for a database on which none runs any more.
    SweepOutbox = "WITH gone AS (SELECT id FROM {@outbox} WHERE next_at <= $1 AND expires_at <= $1 LIMIT $2{lock:free}) \
        DELETE FROM {@outbox} WHERE id IN (SELECT id FROM gone)";
    SweepElevations = "WITH gone AS (SELECT session_id, method FROM {@elevations} WHERE expires_at <= $1 LIMIT $2{lock:free}) \
        DELETE FROM {@elevations} WHERE (session_id, method) IN (SELECT session_id, method FROM gone)";
    SweepStates = "WITH gone AS (SELECT id FROM {@oauth_states} WHERE expires_at <= $1 LIMIT $2{lock:free}) \
        DELETE FROM {@oauth_states} WHERE id IN (SELECT id FROM gone)";
    Unreserved = "SELECT u.{id}, u.{username} FROM {users} u WHERE u.{username} IS NOT NULL AND NOT EXISTS \
        (SELECT 1 FROM {@usernames} n WHERE n.user_id = u.{id}) ORDER BY u.{id} LIMIT $1";
    UnreservedAfter = "SELECT u.{id}, u.{username} FROM {users} u WHERE u.{id} > $2 AND u.{username} IS NOT NULL \
        AND NOT EXISTS (SELECT 1 FROM {@usernames} n WHERE n.user_id = u.{id}) ORDER BY u.{id} LIMIT $1";
    /// Two names of before that look alike stay two accounts; the one that was first keeps the reservation.
    ReserveOld = "INSERT INTO {@usernames} (folded, user_id) VALUES ($1, $2) ON CONFLICT (folded) DO NOTHING";
    Ping = "SELECT 1";
}

/// Names the row of the sweepers among those of the limits, which are digests.
const TURN: Digest = *b"whose turn it is to sweep tables";

/// User names that one transaction reserves.
const NAMES: i64 = 500;

impl<D, S> SqlStore<D, S>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    /// The steps that have been taken; `None` where there is no ledger yet.
    async fn applied(conn: &mut D::Connection) -> Result<Option<Vec<String>>> {
        let ledger = format!("{}migrations", S::Prefix::TEXT);
        let Some(live) = D::describe(conn, None, &ledger).await? else {
            return Ok(None);
        };
        if !live.columns.iter().all(|column| column.rights.select) {
            return Err(Error::config(verify::missing_right::<D>("SELECT", &ledger)));
        }
        let rows = D::fetch(conn, sql::<Applied, D, S>(), Args::new()).await?;
        let applied = rows.iter().map(|row| D::text(row, 0));
        let applied: Vec<String> = applied
            .filter_map(Result::transpose)
            .collect::<Result<_>>()?;
        if let Some(unknown) = applied
            .iter()
            .find(|id| MIGRATIONS.iter().all(|known| known.id != **id))
        {
            return Err(Error::config(format!(
                "the database has the migration `{unknown}`, which this version of crudauth does not know: it was \
                 migrated by a newer one; deploy that version again"
            )));
        }
        Ok(Some(applied))
    }

    async fn migrate_all(&self) -> Result<()> {
        // Where nothing is left to do nothing is locked, and a role that may not create tables can start.
        let mut held = self.in_time(self.hold()).await?;
        let applied = Self::applied(&mut held).await?;
        drop(held);
        if applied.is_some_and(|applied| applied.len() == MIGRATIONS.len()) {
            return Ok(());
        }
        let mut held = self.in_time(self.hold()).await?;
        let mut tx = self.in_time(held.begin()).await?;
        D::migration_lock(&mut tx).await?;
        let own = |error| {
            let how = "start with a role that may, run `migrate` with one before, or run what `schema_sql` gives";
            unmade(error, "a table of crudauth's", how)
        };
        D::define(&mut tx, ledger::<D, S>()).await.map_err(own)?;
        let applied = Self::applied(&mut tx).await?.unwrap_or_default();
        for migration in MIGRATIONS {
            if !applied.iter().any(|id| id == migration.id) {
                Self::refuse_tables_of(&mut tx, migration).await?;
                let text = migration.render::<D, S>();
                D::define(&mut tx, text).await.map_err(own)?;
                let args = Args::new().text(Some(migration.id)).int(0);
                D::execute(&mut tx, sql::<Record, D, S>(), args).await?;
            }
        }
        commit(tx).await
    }

    /// Tables that nobody has recorded may be of any shape.
    async fn refuse_tables_of(conn: &mut D::Connection, migration: &Migration) -> Result<()> {
        for table in migration.makes {
            let (name, id) = (format!("{}{table}", S::Prefix::TEXT), migration.id);
            if D::describe(conn, None, &name).await?.is_some() {
                return Err(Error::config(format!(
                    "there is a table `{name}`, but `{}migrations` does not say that `{id}` has been run: run all of \
                     what `schema_sql` gives, with its INSERT into that table, or rename `{name}` if it is not crudauth's",
                    S::Prefix::TEXT
                )));
            }
        }
        Ok(())
    }

    /// Under the lock of the migrations: processes that start together create it once.
    async fn create_users_table(&self) -> Result<()> {
        let mut held = self.in_time(self.hold()).await?;
        let mut tx = self.in_time(held.begin()).await?;
        D::migration_lock(&mut tx).await?;
        let table = <S::User as AuthUser>::TABLE;
        if D::describe(&mut tx, table.schema, table.name)
            .await?
            .is_none()
        {
            let made = D::define(&mut tx, create_table::<D, S::User>()).await;
            made.map_err(|error| {
                let how = "create it beforehand, with your migrations or with the statement that `create_table_sql` gives";
                unmade(error, &format!("the table `{}`", table.name), how)
            })?;
        }
        commit(tx).await
    }

    /// Batch by batch, so that a large table does not keep writers waiting.
    async fn reserve_old_names(&self) -> Result<()> {
        if !<S::User as AuthUser>::TABLE.has(Role::Username) {
            return Ok(());
        }
        let mut last = None;
        loop {
            let mut held = self.in_time(self.hold()).await?;
            let mut tx = self.in_time(held.begin()).await?;
            let args = Args::new().int(NAMES);
            let rows = match &last {
                None => D::fetch(&mut tx, sql::<Unreserved, D, S>(), args).await?,
                Some(last) => {
                    D::fetch(&mut tx, sql::<UnreservedAfter, D, S>(), args.value(last)).await?
                }
            };
            for row in &rows {
                let id = <S::User as UserRow<D>>::Key::read(row, 0)?;
                let folded = D::text(row, 1)?.map(|name| fold_identifier(&name));
                let args = Args::new().text(folded.as_deref()).value(&id);
                D::execute(&mut tx, sql::<ReserveOld, D, S>(), args).await?;
                last = Some(id);
            }
            commit(tx).await?;
            if i64::try_from(rows.len()).unwrap_or(i64::MAX) < NAMES {
                return Ok(());
            }
        }
    }

    async fn take_turn_of(&self, now: Timestamp, turn: Duration) -> Result<bool> {
        let end = now.plus(turn);
        let args = Args::new().blob(Some(&TURN)).at(now).at(end);
        let args = args.at(now.minus(turn).plus(Duration::from_micros(1)));
        Ok(self.execute::<TakeTurn>(args).await? > 0)
    }

    async fn sweep_once(&self, now: Timestamp, batch: u32) -> Result<u64> {
        let args = || Args::new().at(now).int(i64::from(batch));
        let mut gone = self.execute::<SweepSessions>(args()).await?;
        gone += self.execute::<SweepElevations>(args()).await?;
        gone += self.execute::<SweepStates>(args()).await?;
        gone += self.execute::<SweepAttempts>(args()).await?;
        gone += self.execute::<SweepLimits>(args()).await?;
        gone += self.execute::<SweepFamilies>(args()).await?;
        gone += self.execute::<SweepTokens>(args()).await?;
        gone += self.execute::<SweepOutbox>(args()).await?;
        Ok(gone)
    }
}

/// A role that may not create tables, a server that only reads: the operator's to put right, whatever it is.
fn unmade(error: Error, what: &str, how: &str) -> Error {
    match error {
        Error::Store(source) | Error::Unavailable(source) => {
            Error::config(format!("{what} cannot be created ({source}): {how}"))
        }
        other => other,
    }
}

impl<D, S> Maintenance for SqlStore<D, S>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    fn migrate(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.migrate_all())
    }

    fn create_users(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.create_users_table())
    }

    fn reserve_names(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.reserve_old_names())
    }

    fn verify_own_tables(&self) -> BoxFuture<'_, Result<Vec<Difference>>> {
        Box::pin(verify::own_tables(self))
    }

    fn verify_schema(&self, moves: bool) -> BoxFuture<'_, Result<Vec<Difference>>> {
        Box::pin(verify::differences(self, moves))
    }

    fn take_turn(&self, now: Timestamp, turn: Duration) -> BoxFuture<'_, Result<bool>> {
        Box::pin(self.take_turn_of(now, turn))
    }

    fn sweep(&self, now: Timestamp, batch: u32) -> BoxFuture<'_, Result<u64>> {
        Box::pin(patience::shared(self.sweep_once(now, batch)))
    }

    fn ping(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.fetch::<Ping>(Args::new()).await.map(drop) })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.pool.close())
    }
}
