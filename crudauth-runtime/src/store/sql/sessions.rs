//! Cookie sessions.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{
    Schema, SqlStore, UserRow, attempts, commit, digest, elevations, families, int, sql, statements,
};
use crate::account::AuthUser;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::store::dialect::{Args, Dialect};
use crate::store::{Digest, ListedSession, NewSession, SessionRow, Sessions, Settlement};

statements! {
    /// One statement for the presented session, the expired ones and those over the cap. It runs after the INSERT, which
    /// has locked the account, so it sees every session that was opened before this one; this one never goes. The
    /// presented session may be another account's: two browsers that change places lock each other's session and one of
    /// their own, and do so in the order of the ids. Each part has an index: an OR of them would read the whole table.
    MakeRoom = "WITH gone AS (SELECT id FROM {@sessions} WHERE id IN (SELECT id FROM {@sessions} WHERE id = $1 \
        UNION ALL SELECT id FROM {@sessions} WHERE user_id = $2 AND expires_at <= $3 \
        UNION ALL SELECT id FROM {@sessions} WHERE id IN (SELECT id FROM {@sessions} WHERE user_id = $2 \
        AND expires_at > $3 AND id <> $1 AND id <> $5 ORDER BY last_activity DESC, created_at DESC \
        LIMIT 9223372036854775807 OFFSET $4)) \
        ORDER BY id{lock}) DELETE FROM {@sessions} WHERE id IN (SELECT id FROM gone)";
    /// Asks the account again: it may have been disabled, deleted or given another password since this sign-in read it,
    /// and whatever did that has ended the account's sessions already. Whoever changes an account locks it before its
    /// sessions, as this does, so that no two of them wait for each other in a circle.
    Open = "INSERT INTO {@sessions} (id, user_id, csrf, token_version, created_at, last_activity, expires_at, \
        absolute_at, idle, remember, ip, user_agent) SELECT $1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10, $11 \
        FROM {users} u WHERE u.{id} = $2[is_active: AND u.{is_active}][token_version: AND u.{token_version} = $4]{lock}";
    Lookup = "SELECT s.csrf, s.token_version, s.created_at, s.last_activity, s.expires_at, s.absolute_at, s.idle, \
        s.remember, {u.*} FROM {@sessions} s JOIN {users} u ON u.{id} = s.user_id WHERE s.id = $1";
    /// An UPDATE: of a session that has ended meanwhile it finds no row, so it cannot bring one back (SEC-048).
    Touch = "UPDATE {@sessions} SET last_activity = $2, expires_at = $3 WHERE id = $1 AND last_activity <= $4";
    /// Only what has expired: a use that was recorded meanwhile keeps the session.
    Bury = "DELETE FROM {@sessions} WHERE id = $1 AND (expires_at <= $2 OR absolute_at <= $2)";
    End = "DELETE FROM {@sessions} WHERE id = $1";
    EndOwn = "DELETE FROM {@sessions} WHERE id = $1 AND user_id = $2";
    /// Nobody is signed in or out of an account while all its sessions end: one order of locks for everybody.
    Account = "SELECT {id} FROM {users} WHERE {id} = $1{lock}";
    EndAll = "DELETE FROM {@sessions} WHERE user_id = $1 AND id <> $2 AND expires_at > $3";
    EndOfUser = "DELETE FROM {@sessions} WHERE user_id = $1";
    EndExpired = "DELETE FROM {@sessions} WHERE user_id = $1 AND expires_at <= $2";
    List = "SELECT s.csrf, s.token_version, s.created_at, s.last_activity, s.expires_at, s.absolute_at, s.idle, \
        s.remember, s.id, s.ip, s.user_agent FROM {@sessions} s \
        WHERE s.user_id = $1 AND s.token_version = $2 AND s.expires_at > $3 ORDER BY s.last_activity DESC, s.id";
    SetCsrf = "UPDATE {@sessions} SET csrf = $3 WHERE id = $1 AND COALESCE(csrf, id) = $2";
}

/// Columns of [`SessionRow`] before those of the account.
const WIDTH: usize = 8;

/// Signs an account that the transaction has locked out of everything: its sessions, what they have proven, its refresh families.
pub(super) async fn end_of_user<D, S>(
    conn: &mut D::Connection,
    user: &<S::User as AuthUser>::Id,
) -> Result<()>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    let args = Args::new().key::<S::User>(user);
    D::execute(conn, sql::<EndOfUser, D, S>(), args).await?;
    elevations::end_of_user::<D, S>(conn, user, None).await?;
    families::end_all::<D, S>(conn, user).await
}

fn read<D: Dialect>(row: &D::Row, key: Digest) -> Result<SessionRow> {
    let at = |index| int::<D>(row, index).map(Timestamp::from_micros);
    Ok(SessionRow {
        key,
        csrf: digest(D::blob(row, 0)?)?,
        token_version: int::<D>(row, 1)?,
        created_at: at(2)?,
        last_activity: at(3)?,
        expires_at: at(4)?,
        absolute_at: at(5)?,
        idle: Duration::from_micros(u64::try_from(int::<D>(row, 6)?).unwrap_or(0)),
        remember: int::<D>(row, 7)? != 0,
    })
}

fn listed<D: Dialect>(row: &D::Row) -> Result<ListedSession> {
    let key = digest(D::blob(row, 8)?)?;
    Ok(ListedSession {
        row: read::<D>(
            row,
            key.ok_or_else(|| Error::Store("a session has no id".into()))?,
        )?,
        ip: D::text(row, 9)?,
        user_agent: D::text(row, 10)?,
    })
}

fn span(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

impl<D, S> SqlStore<D, S>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    async fn open_session(&self, new: NewSession<'_, <S::User as AuthUser>::Id>) -> Result<bool> {
        let now = new.now;
        let absolute = now.plus(new.absolute);
        let mut held = self.hold().await?;
        let mut tx = held.begin().await?;
        // Counters, the account, its sessions: everybody locks in this order.
        if let Some(buckets) = new.attempt {
            let outcome = Settlement::Succeeded {
                clear_address: new.clear_address,
            };
            attempts::settle::<D, S>(&mut tx, buckets, outcome).await?;
        }
        let args = Args::new()
            .blob(Some(&new.key))
            .key::<S::User>(new.user)
            .blob(new.csrf.as_ref().map(<[u8; 32]>::as_slice));
        let args = args
            .int(new.token_version)
            .at(now)
            .at(now.plus(new.idle).min(absolute))
            .at(absolute);
        let args = args.int(span(new.idle)).int(i64::from(new.remember));
        let args = args.text(new.ip.as_deref()).text(new.user_agent.as_deref());
        if D::execute(&mut tx, sql::<Open, D, S>(), args).await? == 0 {
            return Ok(false); // dropping the transaction rolls everything back
        }
        let presented = new.presented.unwrap_or_default();
        let room = i64::from(new.max_sessions.saturating_sub(1));
        let args = Args::new()
            .blob(Some(&presented))
            .key::<S::User>(new.user)
            .at(now)
            .int(room)
            .blob(Some(&new.key));
        D::execute(&mut tx, sql::<MakeRoom, D, S>(), args).await?;
        commit(tx).await?;
        Ok(true)
    }

    /// A statement for each: whoever elevates the session has locked it, so what was written comes before its end, and
    /// what comes later finds no session. An elevation that is left behind names no session that there will ever be.
    async fn end_one(&self, key: &Digest, user: Option<&Id<S>>) -> Result<bool> {
        let args = Args::new().blob(Some(key));
        let ended = match user {
            Some(user) => self.execute::<EndOwn>(args.key::<S::User>(user)).await?,
            None => self.execute::<End>(args).await?,
        };
        if ended > 0
            && let Err(error) = self.end_elevations(key).await
        {
            tracing::warn!(%error, "the elevation of a session that has ended is left to the sweeper");
        }
        Ok(ended > 0)
    }
}

type Id<S> = <<S as Schema>::User as AuthUser>::Id;

impl<D, S> Sessions<S::User> for SqlStore<D, S>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    fn open<'a>(&'a self, new: NewSession<'a, Id<S>>) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.in_time(self.open_session(new)))
    }

    fn session<'a>(
        &'a self,
        key: &'a Digest,
    ) -> BoxFuture<'a, Result<Option<(SessionRow, S::User)>>> {
        Box::pin(async move {
            let row = self.first::<Lookup>(Args::new().blob(Some(key))).await?;
            row.map(|row| Ok((read::<D>(&row, *key)?, S::User::read(&row, WIDTH)?)))
                .transpose()
        })
    }

    fn touch<'a>(
        &'a self,
        session: &'a SessionRow,
        now: Timestamp,
        not_since: Timestamp,
    ) -> BoxFuture<'a, Result<()>> {
        let expires = now.plus(session.idle).min(session.absolute_at);
        let args = Args::new()
            .blob(Some(&session.key))
            .at(now)
            .at(expires)
            .at(not_since);
        Box::pin(async move { self.execute::<Touch>(args).await.map(drop) })
    }

    fn bury<'a>(&'a self, key: &'a Digest, now: Timestamp) -> BoxFuture<'a, Result<()>> {
        let args = Args::new().blob(Some(key)).at(now);
        Box::pin(async move { self.execute::<Bury>(args).await.map(drop) })
    }

    fn end<'a>(&'a self, key: &'a Digest, user: Option<&'a Id<S>>) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.end_one(key, user))
    }

    fn end_all<'a>(
        &'a self,
        user: &'a Id<S>,
        except: Option<&'a Digest>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<u64>> {
        Box::pin(self.in_time(async move {
            let except = except.copied().unwrap_or_default(); // no session has the all-zero digest
            let mut held = self.hold().await?;
            let mut tx = held.begin().await?;
            let args = Args::new().key::<S::User>(user);
            D::fetch(&mut tx, sql::<Account, D, S>(), args).await?;
            let args = Args::new().key::<S::User>(user).blob(Some(&except)).at(now);
            let ended = D::execute(&mut tx, sql::<EndAll, D, S>(), args).await?;
            // Expired rows go too, but are not sessions any more and do not count.
            let args = Args::new().key::<S::User>(user).at(now);
            D::execute(&mut tx, sql::<EndExpired, D, S>(), args).await?;
            elevations::end_of_user::<D, S>(&mut tx, user, Some(&except)).await?;
            families::end_all::<D, S>(&mut tx, user).await?;
            commit(tx).await?;
            Ok(ended)
        }))
    }

    fn list<'a>(
        &'a self,
        user: &'a Id<S>,
        token_version: i64,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<ListedSession>>> {
        let args = Args::new().key::<S::User>(user).int(token_version).at(now);
        Box::pin(async move {
            self.fetch::<List>(args)
                .await?
                .iter()
                .map(listed::<D>)
                .collect()
        })
    }

    fn set_csrf<'a>(
        &'a self,
        key: &'a Digest,
        old: Option<&'a Digest>,
        new: &'a Digest,
    ) -> BoxFuture<'a, Result<bool>> {
        // A session without a token compares as its own id, which is no token's digest.
        let args = Args::new()
            .blob(Some(key))
            .blob(Some(old.unwrap_or(key)))
            .blob(Some(new));
        Box::pin(async move { Ok(self.execute::<SetCsrf>(args).await? > 0) })
    }
}
