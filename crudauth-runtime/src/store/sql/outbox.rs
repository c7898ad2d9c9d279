//! Messages that are due.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::links::{insert_link, kill_older};
use super::{Schema, SqlStore, UserRow, commit, int, sql, statements};
use crate::account::{AccountKey, AuthUser};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::store::dialect::{Args, Column, Dialect};
use crate::store::outbox::{Claimed, Job, JobKind, Outbox, Resolution};
use crate::store::repr::Keeps;

statements! {
    Enqueue = "INSERT INTO {@outbox} (id, kind, target, recipient, link, state, redirect_to, attempts, next_at, \
        created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $8, $9) ON CONFLICT (id) DO NOTHING";
    EnqueueFor = "INSERT INTO {@outbox} (id, kind, target, recipient, link, state, redirect_to, attempts, next_at, \
        created_at, expires_at, user_id) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $8, $9, $10) \
        ON CONFLICT (id) DO NOTHING";
    /// A key may be of a type that cannot be read where it is NULL; the column before it says so. The lease is the turn itself: what is taken is not due again before it is over.
    Claim = "WITH due AS (SELECT id FROM {@outbox} WHERE next_at <= $1 ORDER BY next_at LIMIT $3{lock:free}) \
        UPDATE {@outbox} SET next_at = $2, attempts = attempts + 1 WHERE id IN (SELECT id FROM due) \
        RETURNING id, kind, target, recipient, link, state, redirect_to, attempts, created_at, expires_at, \
        CASE WHEN user_id IS NULL THEN NULL ELSE created_at END, user_id";
    /// Whoever deletes the account, or issues another link, waits or is seen.
    Account = "SELECT {id} FROM {users} WHERE {id} = $1{lock}";
    Ready = "UPDATE {@outbox} SET recipient = $2, link = $3, user_id = $4 WHERE id = $1 AND recipient IS NULL";
    Finish = "DELETE FROM {@outbox} WHERE id = $1 AND attempts = $2";
    Postpone = "UPDATE {@outbox} SET next_at = $3 WHERE id = $1 AND attempts = $2";
    Idle = "SELECT 1";
    NextDue = "SELECT min(next_at) FROM {@outbox}";
}

type Id<S> = <<S as Schema>::User as AuthUser>::Id;

/// Writes a row inside somebody's transaction. `user` is the account where the row does not name it yet.
pub(super) async fn enqueue<D, S>(
    conn: &mut D::Connection,
    job: &Job<Id<S>>,
    user: Option<&Id<S>>,
) -> Result<()>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    let args = Args::new()
        .text(Some(&job.id))
        .text(Some(job.kind.name()))
        .text(job.target.as_deref());
    let args = args
        .text(job.recipient.as_deref())
        .text(job.link.as_deref())
        .blob(job.state.as_ref().map(<[u8; 32]>::as_slice));
    let args = args
        .text(job.redirect_to.as_deref())
        .at(job.created_at)
        .at(job.expires_at);
    let done = match job.user.as_ref().or(user) {
        Some(user) => {
            let args = args.key::<S::User>(user);
            D::execute(conn, sql::<EnqueueFor, D, S>(), args).await
        }
        None => D::execute(conn, sql::<Enqueue, D, S>(), args).await,
    };
    done.map(drop)
}

fn read<D, S>(row: &D::Row) -> Result<Claimed<Id<S>>>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    let text = |index| D::text(row, index);
    let lacking = || Error::Store("a row of the outbox is not what was written".into());
    let kind = text(1)?.and_then(|name| JobKind::named(&name));
    let state = D::blob(row, 5)?.map(|state| state.try_into().map_err(|_| lacking()));
    let user = if D::int(row, 10)?.is_some() {
        let key = <S::User as UserRow<D>>::Key::read(row, 11)?;
        Some(Id::<S>::from_inner(key.into_value()))
    } else {
        None
    };
    let job = Job {
        id: text(0)?.ok_or_else(lacking)?,
        kind: kind.ok_or_else(lacking)?,
        user,
        target: text(2)?,
        recipient: text(3)?,
        link: text(4)?,
        state: state.transpose()?,
        redirect_to: text(6)?,
        created_at: Timestamp::from_micros(int::<D>(row, 8)?),
        expires_at: Timestamp::from_micros(int::<D>(row, 9)?),
    };
    Ok(Claimed {
        job,
        attempt: int::<D>(row, 7)?,
    })
}

/// A row that this version understands. Another one, of a newer version or a damaged table, stays until its lease is over
/// and keeps those that were taken with it from nothing.
fn readable<D, S>(row: &D::Row) -> Option<Claimed<Id<S>>>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    read::<D, S>(row)
        .inspect_err(|error| {
            let id = D::text(row, 0).ok().flatten().unwrap_or_default();
            tracing::error!(%error, id, "a row of the outbox cannot be read; it is left there");
        })
        .ok()
}

impl<D, S> SqlStore<D, S>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    async fn make_ready(&self, made: &Resolution<'_, Id<S>>) -> Result<bool> {
        let mut held = self.hold().await?;
        let mut tx = held.begin().await?;
        let user = || Args::new().key::<S::User>(made.user);
        if D::fetch(&mut tx, sql::<Account, D, S>(), user())
            .await?
            .is_empty()
        {
            return Ok(false);
        }
        if let Some(link) = made.link {
            kill_older::<D, S>(&mut tx, made.user, link.kind).await?;
            insert_link::<D, S>(&mut tx, made.user, link, false).await?;
        }
        let args = Args::new()
            .text(Some(made.job))
            .text(Some(made.recipient))
            .text(made.link.map(|link| link.id.as_str()));
        let args = args.key::<S::User>(made.user);
        if D::execute(&mut tx, sql::<Ready, D, S>(), args).await? == 0 {
            return Ok(false); // dropping the transaction takes the link back
        }
        commit(tx).await?;
        Ok(true)
    }
}

impl<D, S> Outbox<S::User> for SqlStore<D, S>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    fn enqueue<'a>(&'a self, job: &'a Job<Id<S>>) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.in_time(async move {
            let mut held = self.hold().await?;
            held.turn().await;
            enqueue::<D, S>(&mut held, job, None).await
        }))
    }

    fn enqueue_as_insert<'a>(
        &'a self,
        job: &'a Job<Id<S>>,
        username: bool,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.in_time(async move {
            let mut held = self.hold().await?;
            let mut tx = held.begin().await?;
            for _ in 0..=u8::from(username) {
                D::fetch(&mut tx, sql::<Idle, D, S>(), Args::new()).await?;
            }
            enqueue::<D, S>(&mut tx, job, None).await?;
            commit(tx).await
        }))
    }

    fn claim(
        &self,
        now: Timestamp,
        lease: Duration,
        most: u32,
    ) -> BoxFuture<'_, Result<Vec<Claimed<Id<S>>>>> {
        let args = Args::new().at(now).at(now.plus(lease)).int(i64::from(most));
        Box::pin(async move {
            let rows = self.returning::<Claim>(args).await?;
            Ok(rows.iter().filter_map(readable::<D, S>).collect())
        })
    }

    fn resolve<'a>(&'a self, resolution: &'a Resolution<'a, Id<S>>) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.in_time(self.make_ready(resolution)))
    }

    fn finish<'a>(&'a self, id: &'a str, attempt: i64) -> BoxFuture<'a, Result<()>> {
        let args = Args::new().text(Some(id)).int(attempt);
        Box::pin(async move { self.execute::<Finish>(args).await.map(drop) })
    }

    fn postpone<'a>(
        &'a self,
        id: &'a str,
        attempt: i64,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<()>> {
        let args = Args::new().text(Some(id)).int(attempt).at(at);
        Box::pin(async move { self.execute::<Postpone>(args).await.map(drop) })
    }

    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>>> {
        Box::pin(async move {
            let row = self.first::<NextDue>(Args::new()).await?;
            let due = row.map(|row| D::int(&row, 0)).transpose()?.flatten();
            Ok(due.map(Timestamp::from_micros))
        })
    }
}
