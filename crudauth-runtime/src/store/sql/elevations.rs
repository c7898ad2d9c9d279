//! Sessions whose owner has proven once more who it is.
//!
//! Order of locks in every transaction here: the counter, the account, its session, its elevations. A row names its session
//! by an id that is never given out again, so one that is left behind opens nothing, and goes with the sweeper.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{Schema, SqlStore, UserRow, commit, int, sql, statements};
use crate::account::AuthUser;
use crate::clock::Timestamp;
use crate::crypto::PasswordHash;
use crate::error::{Error, Result};
use crate::store::Digest;
use crate::store::dialect::{Args, Dialect};
use crate::store::elevations::{Elevation, Elevations, NewElevation, Tried};

statements! {
    /// One row of the limits that slides: it is forgotten a lockout after the last try. Full, it takes no further try, and is
    /// the lock. What ends after $5 was written by a clock that has been set back since, and counts as past; $5 is
    /// later than any end that two processes with different clocks give.
    CountTry = "INSERT INTO {@limits} AS l (id, window_start, hits, expires_at) VALUES ($1, $2, 1, $3) \
        ON CONFLICT (id) DO UPDATE SET hits = CASE WHEN l.expires_at > $2 AND l.expires_at <= $5 THEN l.hits + 1 ELSE 1 END, \
        window_start = $2, expires_at = $3 WHERE l.hits < $4 OR l.expires_at <= $2 OR l.expires_at > $5 RETURNING hits";
    LockEnd = "SELECT expires_at FROM {@limits} WHERE id = $1";
    ForgetTry = "UPDATE {@limits} SET hits = hits - 1 WHERE id = $1 AND hits > 0";
    Close = "INSERT INTO {@limits} AS l (id, window_start, hits, expires_at) VALUES ($1, $2, $4, $3) \
        ON CONFLICT (id) DO UPDATE SET window_start = $2, hits = $4, expires_at = $3";
    ClearTries = "DELETE FROM {@limits} WHERE id = $1";
    Account = "SELECT {id} FROM {users} WHERE {id} = $1{lock}";
    /// Asks the account again: it may have been disabled, deleted or given another password while the proof was looked at.
    Proven = "SELECT {id} FROM {users} WHERE {id} = $1 AND COALESCE({password_hash}, '') = $2[is_active: AND {is_active}]{lock}";
    /// And the session, which whoever signs out deletes before its elevations: what is written here is seen there.
    Elevate = "INSERT INTO {@elevations} (session_id, user_id, method, proven_at, expires_at) \
        SELECT s.id, s.user_id, $3, $4, $5 FROM {@sessions} s WHERE s.id = $1 AND s.user_id = $2 AND s.expires_at > $4 \
        AND s.absolute_at > $4[token_version: AND s.token_version = (SELECT {token_version} FROM {users} WHERE {id} = $2)]\
        {lock} ON CONFLICT (session_id, method) DO UPDATE SET proven_at = excluded.proven_at, expires_at = excluded.expires_at";
    OfSession = "SELECT method, proven_at, expires_at FROM {@elevations} WHERE session_id = $1";
    Bury = "DELETE FROM {@elevations} WHERE session_id = $1 AND expires_at <= $2";
    EndOfSession = "DELETE FROM {@elevations} WHERE session_id = $1";
    EndOfUser = "DELETE FROM {@elevations} WHERE user_id = $1 AND session_id <> $2";
}

type Id<S> = <<S as Schema>::User as AuthUser>::Id;

/// Ends the elevations of an account that the transaction has locked, but for that of one session.
pub(super) async fn end_of_user<D, S>(
    conn: &mut D::Connection,
    user: &Id<S>,
    except: Option<&Digest>,
) -> Result<()>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    let except = except.copied().unwrap_or_default(); // no session has the all-zero digest
    let args = Args::new().key::<S::User>(user).blob(Some(&except));
    D::execute(conn, sql::<EndOfUser, D, S>(), args)
        .await
        .map(drop)
}

fn read<D: Dialect>(row: &D::Row) -> Result<Elevation> {
    let at = |index| int::<D>(row, index).map(Timestamp::from_micros);
    Ok(Elevation {
        method: D::text(row, 0)?
            .ok_or_else(|| Error::Store("an elevation says not how it was proven".into()))?,
        proven_at: at(1)?,
        expires_at: at(2)?,
    })
}

impl<D, S> SqlStore<D, S>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    /// Ends what one session has proven, and says how much that was.
    pub(super) async fn end_elevations(&self, session: &Digest) -> Result<u64> {
        let args = Args::new().blob(Some(session));
        self.execute::<EndOfSession>(args).await
    }

    async fn count_one(
        &self,
        budget: &Digest,
        most: u32,
        lockout: Duration,
        now: Timestamp,
    ) -> Result<Tried> {
        let until = now.plus(lockout);
        let args = Args::new()
            .blob(Some(budget))
            .at(now)
            .at(until)
            .int(i64::from(most))
            .at(now.plus(lockout.saturating_mul(2)));
        if let Some(row) = self.returning::<CountTry>(args).await?.first() {
            let hits = int::<D>(row, 0)?;
            return Ok(Tried::Counted(u32::try_from(hits).unwrap_or(u32::MAX)));
        }
        let row = self
            .first::<LockEnd>(Args::new().blob(Some(budget)))
            .await?;
        let end = row.map(|row| int::<D>(&row, 0)).transpose()?;
        Ok(Tried::Locked(
            end.map_or(now, Timestamp::from_micros).min(until),
        ))
    }

    async fn close(
        &self,
        budget: &Digest,
        user: &Id<S>,
        most: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<()> {
        let mut held = self.hold().await?;
        let mut tx = held.begin().await?;
        let args = Args::new().blob(Some(budget)).at(now).at(until);
        D::execute(&mut tx, sql::<Close, D, S>(), args.int(i64::from(most))).await?;
        let account = Args::new().key::<S::User>(user);
        D::fetch(&mut tx, sql::<Account, D, S>(), account).await?;
        end_of_user::<D, S>(&mut tx, user, None).await?;
        commit(tx).await
    }

    async fn elevate_in(&self, new: NewElevation<'_, Id<S>>) -> Result<bool> {
        let mut held = self.hold().await?;
        let mut tx = held.begin().await?;
        let budget = Args::new().blob(Some(new.budget));
        D::execute(&mut tx, sql::<ClearTries, D, S>(), budget).await?;
        let hash = new.hash.map_or("", PasswordHash::as_stored);
        let account = Args::new().key::<S::User>(new.user).text(Some(hash));
        let proven = D::fetch(&mut tx, sql::<Proven, D, S>(), account).await?;
        let mut elevated = false;
        if !proven.is_empty() {
            let args = Args::new()
                .blob(Some(new.session))
                .key::<S::User>(new.user)
                .text(Some(new.method.name()))
                .at(new.now)
                .at(new.expires_at);
            elevated = D::execute(&mut tx, sql::<Elevate, D, S>(), args).await? > 0;
        }
        commit(tx).await?;
        Ok(elevated)
    }
}

impl<D, S> Elevations<S::User> for SqlStore<D, S>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    fn count_try<'a>(
        &'a self,
        budget: &'a Digest,
        most: u32,
        lockout: Duration,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Tried>> {
        Box::pin(self.count_one(budget, most, lockout, now))
    }

    fn forget_try<'a>(&'a self, budget: &'a Digest) -> BoxFuture<'a, Result<()>> {
        let args = Args::new().blob(Some(budget));
        Box::pin(async move { self.execute::<ForgetTry>(args).await.map(drop) })
    }

    fn shut_out<'a>(
        &'a self,
        budget: &'a Digest,
        user: &'a Id<S>,
        most: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.in_time(self.close(budget, user, most, now, until)))
    }

    fn elevate<'a>(&'a self, new: NewElevation<'a, Id<S>>) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.in_time(self.elevate_in(new)))
    }

    fn elevations<'a>(&'a self, session: &'a Digest) -> BoxFuture<'a, Result<Vec<Elevation>>> {
        let args = Args::new().blob(Some(session));
        Box::pin(async move {
            let rows = self.fetch::<OfSession>(args).await?;
            rows.iter().map(read::<D>).collect()
        })
    }

    fn bury_elevations<'a>(
        &'a self,
        session: &'a Digest,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<()>> {
        let args = Args::new().blob(Some(session)).at(now);
        Box::pin(async move { self.execute::<Bury>(args).await.map(drop) })
    }

    fn end_elevation<'a>(&'a self, session: &'a Digest) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { Ok(self.end_elevations(session).await? > 0) })
    }
}
