//! Refresh families.

use futures_util::future::BoxFuture;

use super::{Schema, SqlStore, UserRow, attempts, commit, int, journeys, sql, statements};
use crate::account::AuthUser;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::store::dialect::{Args, Dialect};
use crate::store::{Digest, Families, FamilyRow, NewFamily, Settlement};

statements! {
    /// Asks the account again, and locks it, as the opening of a session does: whoever ends what the account has open locks
    /// it first, and either finds this family or is seen here. A name that is taken is that of a code which somebody else redeems.
    Open = "INSERT INTO {@refresh_tokens} (id, user_id, generation, secret, token_version, scopes, created_at, rotated_at, \
        expires_at) SELECT $1, $2, 0, $3, $4, $5, $6, $6, $7 FROM {users} u \
        WHERE u.{id} = $2[is_active: AND u.{is_active}][token_version: AND u.{token_version} = $4]{lock} \
        ON CONFLICT (id) DO NOTHING";
    Lookup = "SELECT f.generation, f.secret, f.token_version, f.scopes, f.created_at, f.rotated_at, f.expires_at, {u.*} \
        FROM {@refresh_tokens} f JOIN {users} u ON u.{id} = f.user_id WHERE f.id = $1";
    /// The one statement that rotates (SEC-082). Of any number of callers it finds a row for one; of a family that has ended
    /// meanwhile it finds none, so it cannot bring one back.
    Rotate = "UPDATE {@refresh_tokens} SET generation = generation + 1, secret = $3, rotated_at = $4 \
        WHERE id = $1 AND generation = $2 AND expires_at > $4";
    End = "DELETE FROM {@refresh_tokens} WHERE id = $1";
    EndOwn = "DELETE FROM {@refresh_tokens} WHERE id = $1 AND user_id = $2";
    /// Nobody signs in while all the families end: one order of locks for everybody.
    Account = "SELECT {id} FROM {users} WHERE {id} = $1{lock}";
    EndLive = "DELETE FROM {@refresh_tokens} WHERE user_id = $1 AND expires_at > $2";
    EndAll = "DELETE FROM {@refresh_tokens} WHERE user_id = $1";
    ByFamily = "SELECT {u.*} FROM {@refresh_tokens} f JOIN {users} u ON u.{id} = f.user_id \
        WHERE f.id = $1 AND f.expires_at > $2";
}

/// Columns of [`FamilyRow`] before those of the account.
const WIDTH: usize = 7;

type Id<S> = <<S as Schema>::User as AuthUser>::Id;

/// Ends the user's families inside somebody's transaction, which holds the account's lock and comes from its sessions.
pub(super) async fn end_all<D, S>(conn: &mut D::Connection, user: &Id<S>) -> Result<()>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    let args = Args::new().key::<S::User>(user);
    D::execute(conn, sql::<EndAll, D, S>(), args)
        .await
        .map(drop)
}

fn read<D: Dialect>(row: &D::Row) -> Result<FamilyRow> {
    let lacking = || Error::Store("a refresh family is not what was written".into());
    let at = |index| int::<D>(row, index).map(Timestamp::from_micros);
    let secret = D::blob(row, 1)?.and_then(|bytes| bytes.try_into().ok());
    Ok(FamilyRow {
        generation: int::<D>(row, 0)?,
        secret: secret.ok_or_else(lacking)?,
        token_version: int::<D>(row, 2)?,
        scopes: D::text(row, 3)?.ok_or_else(lacking)?,
        created_at: at(4)?,
        rotated_at: at(5)?,
        expires_at: at(6)?,
    })
}

impl<D, S> SqlStore<D, S>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    async fn open_new_family(&self, new: NewFamily<'_, Id<S>>) -> Result<bool> {
        let mut held = self.hold().await?;
        let mut tx = held.begin().await?;
        // Counters, the account, its families, its journeys: everybody locks in this order.
        if let Some(buckets) = new.attempt {
            let outcome = Settlement::Succeeded {
                clear_address: new.clear_address,
            };
            attempts::settle::<D, S>(&mut tx, buckets, outcome).await?;
        }
        let args = Args::new()
            .text(Some(new.id))
            .key::<S::User>(new.user)
            .blob(Some(&new.secret))
            .int(new.token_version);
        let args = args.text(Some(new.scopes)).at(new.now).at(new.expires_at);
        if D::execute(&mut tx, sql::<Open, D, S>(), args).await? == 0 {
            return Ok(false); // dropping the transaction rolls everything back
        }
        if let Some(code) = new.code
            && !journeys::spend::<D, S>(&mut tx, code).await?
        {
            return Ok(false);
        }
        commit(tx).await?;
        Ok(true)
    }

    async fn end_families_of(&self, user: &Id<S>, now: Timestamp) -> Result<u64> {
        let user_key = || Args::new().key::<S::User>(user);
        let mut held = self.hold().await?;
        let mut tx = held.begin().await?;
        D::fetch(&mut tx, sql::<Account, D, S>(), user_key()).await?;
        let ended = D::execute(&mut tx, sql::<EndLive, D, S>(), user_key().at(now)).await?;
        // Expired rows go too, but are not families any more and do not count.
        end_all::<D, S>(&mut tx, user).await?;
        commit(tx).await?;
        Ok(ended)
    }
}

impl<D, S> Families<S::User> for SqlStore<D, S>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    fn open_family<'a>(&'a self, new: NewFamily<'a, Id<S>>) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.in_time(self.open_new_family(new)))
    }

    fn family<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<(FamilyRow, S::User)>>> {
        Box::pin(async move {
            let row = self.first::<Lookup>(Args::new().text(Some(id))).await?;
            row.map(|row| Ok((read::<D>(&row)?, S::User::read(&row, WIDTH)?)))
                .transpose()
        })
    }

    fn rotate<'a>(
        &'a self,
        id: &'a str,
        generation: i64,
        secret: &'a Digest,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<bool>> {
        let args = Args::new()
            .text(Some(id))
            .int(generation)
            .blob(Some(secret))
            .at(now);
        Box::pin(async move { Ok(self.execute::<Rotate>(args).await? > 0) })
    }

    fn end_family<'a>(
        &'a self,
        id: &'a str,
        user: Option<&'a Id<S>>,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let args = Args::new().text(Some(id));
            let ended = match user {
                Some(user) => self.execute::<EndOwn>(args.key::<S::User>(user)).await?,
                None => self.execute::<End>(args).await?,
            };
            Ok(ended > 0)
        })
    }

    fn end_families<'a>(&'a self, user: &'a Id<S>, now: Timestamp) -> BoxFuture<'a, Result<u64>> {
        Box::pin(self.in_time(self.end_families_of(user, now)))
    }

    fn by_family<'a>(
        &'a self,
        id: &'a str,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<S::User>>> {
        let args = Args::new().text(Some(id)).at(now);
        Box::pin(async move {
            let row = self.first::<ByFamily>(args).await?;
            row.map(|row| S::User::read(&row, 0)).transpose()
        })
    }
}
