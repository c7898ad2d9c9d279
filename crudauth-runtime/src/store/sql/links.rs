//! Mailed links, and what they do.
//!
//! Order of locks in every transaction here: counters, the account, its sessions, their elevations, its families, its
//! identities, its links, its messages.

use futures_util::future::BoxFuture;

use super::outbox::enqueue;
use super::{Schema, SqlStore, UserRow, commit, identities, int, sessions, sql, statements};
use crate::account::AuthUser;
use crate::clock::Timestamp;
use crate::crypto::PasswordHash;
use crate::crypto::link::LinkKind;
use crate::error::{Error, Result};
use crate::store::dialect::{Args, Dialect};
use crate::store::links::{Effect, GUESSES, LinkRow, Links, NewLink, Redeemed, Redemption};
use crate::store::refusal::Refusal;

statements! {
    InsertLink = "INSERT INTO {@tokens} (id, user_id, kind, secret, state, address, redirect_to, created_at, expires_at, \
        first_proof, guesses) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0)";
    /// What has been spent stays, so that spending it again is told from what never was.
    KillOlder = "DELETE FROM {@tokens} WHERE user_id = $1 AND kind = $2 AND used_at IS NULL";
    Lookup = "SELECT t.kind, t.secret, t.state, t.address, t.redirect_to, t.created_at, t.expires_at, \
        t.used_at, t.guesses, t.first_proof, {u.*} \
        FROM {@tokens} t JOIN {users} u ON u.{id} = t.user_id WHERE t.id = $1";
    CountGuess = "UPDATE {@tokens} SET guesses = guesses + 1 WHERE id = $1 AND guesses < $2";
    /// The one statement that spends a link. Of any number of callers it finds a row for one.
    Use = "UPDATE {@tokens} SET used_at = $2 WHERE id = $1 AND user_id = $3 AND kind = $4 AND used_at IS NULL \
        AND expires_at > $2 AND guesses < $5";
    Spent = "SELECT id FROM {@tokens} WHERE id = $1 AND used_at IS NOT NULL";
    KillAll = "DELETE FROM {@tokens} WHERE user_id = $1 AND id <> $2";
    /// Former addresses can still take their changes back: whoever holds the account now may be the one who changed them.
    KillAllButUndo = "DELETE FROM {@tokens} WHERE user_id = $1 AND id <> $2 AND kind <> $3";
    /// The oldest address has the last word: what was issued to it before stays.
    KillLater = "DELETE FROM {@tokens} WHERE user_id = $1 AND id <> $2 AND (kind <> $3 OR created_at >= $4)";
    /// The present address where somebody has proven it. The row is locked either way: a proof comes before this or after the
    /// transaction.
    Proven = "SELECT CASE WHEN {id} IS NOT NULL[email_verified: AND {email_verified}] THEN {email} END \
        FROM {users} WHERE {id} = $1{lock}";
    /// The same of what the account is recovered by.
    FactorProven = "SELECT {factor} FROM {users} WHERE {id} = $1 AND {verified}{lock}";
    Prove = "UPDATE {users} SET {verified} = $3[updated_at:, {updated_at} = $4] \
        WHERE {id} = $1 AND {factor} = $2[is_active: AND {is_active}]";
    Reset = "UPDATE {users} SET {password_hash} = $3, {verified} = $5\
        [token_version:, {token_version} = {token_version} + 1][updated_at:, {updated_at} = $6] \
        WHERE {id} = $1 AND {factor} = $2 AND COALESCE({password_hash}, '') = $4[is_active: AND {is_active}]";
    Move = "UPDATE {users} SET {email} = $3[email_verified:, {email_verified} = $5][updated_at:, {updated_at} = $6] \
        WHERE {id} = $1 AND COALESCE({email}, '') = $2 AND COALESCE({password_hash}, '') = $4[is_active: AND {is_active}]";
    MoveAndEvict = "UPDATE {users} SET {email} = $3[email_verified:, {email_verified} = $5]\
        [token_version:, {token_version} = {token_version} + 1][updated_at:, {updated_at} = $6] \
        WHERE {id} = $1 AND COALESCE({email}, '') = $2 AND COALESCE({password_hash}, '') = $4[is_active: AND {is_active}]";
    Undo = "UPDATE {users} SET {email} = $2[email_verified:, {email_verified} = $3]\
        [token_version:, {token_version} = {token_version} + 1][updated_at:, {updated_at} = $4] \
        WHERE {id} = $1[is_active: AND {is_active}]";
    /// The same where nobody had proven the address: the password was somebody else's, and opens nothing any more.
    UndoAndLock = "UPDATE {users} SET {email} = $2, {password_hash} = $4[email_verified:, {email_verified} = $3]\
        [token_version:, {token_version} = {token_version} + 1][updated_at:, {updated_at} = $5] \
        WHERE {id} = $1[is_active: AND {is_active}]";
    ClearFailures = "DELETE FROM {@attempts} WHERE id = $1";
}

/// Columns of [`LinkRow`] before those of the account.
const WIDTH: usize = 10;

type Id<S> = <<S as Schema>::User as AuthUser>::Id;

/// The other links of this kind that have not been used are dead: a newer one replaces them (SEC-092).
pub(super) async fn kill_older<D, S>(
    conn: &mut D::Connection,
    user: &Id<S>,
    kind: LinkKind,
) -> Result<()>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    let args = Args::new().key::<S::User>(user).text(Some(kind.name()));
    D::execute(conn, sql::<KillOlder, D, S>(), args)
        .await
        .map(drop)
}

pub(super) async fn insert_link<D, S>(
    conn: &mut D::Connection,
    user: &Id<S>,
    link: &NewLink,
    first_proof: bool,
) -> Result<()>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    let args = Args::new()
        .text(Some(&link.id))
        .key::<S::User>(user)
        .text(Some(link.kind.name()));
    let args = args
        .blob(Some(&link.secret))
        .blob(Some(&link.state))
        .text(link.address.as_deref());
    let args = args
        .text(link.redirect_to.as_deref())
        .at(link.created_at)
        .at(link.expires_at)
        .int(i64::from(first_proof));
    D::execute(conn, sql::<InsertLink, D, S>(), args)
        .await
        .map(drop)
}

fn read<D: Dialect>(row: &D::Row) -> Result<LinkRow> {
    let lacking = || Error::Store("a link is not what was written".into());
    let digest = |index| {
        D::blob(row, index)?
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(lacking)
    };
    let at = |index| int::<D>(row, index).map(Timestamp::from_micros);
    Ok(LinkRow {
        kind: D::text(row, 0)?.ok_or_else(lacking)?,
        secret: digest(1)?,
        state: digest(2)?,
        address: D::text(row, 3)?,
        redirect_to: D::text(row, 4)?,
        created_at: at(5)?,
        expires_at: at(6)?,
        used: D::int(row, 7)?.is_some(),
        guesses: int::<D>(row, 8)?,
        first_proof: int::<D>(row, 9)? != 0,
    })
}

fn stored(hash: Option<&PasswordHash>) -> &str {
    hash.map_or("", PasswordHash::as_stored)
}

impl<D, S> SqlStore<D, S>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    async fn spend(&self, asked: &Redemption<'_, Id<S>>) -> Result<Redeemed> {
        let mut held = self.hold().await?;
        let mut tx = held.begin().await?;
        let proven = Self::is_proven(&mut tx, asked).await?;
        let changed = match Self::change(&mut tx, asked).await {
            Err(error) if is_taken(&error) => return Ok(Redeemed::Taken),
            changed => changed?,
        };
        if !changed {
            return Ok(Redeemed::Stale);
        }
        Self::end_sessions(&mut tx, asked).await?;
        let args = Args::new()
            .text(Some(asked.link))
            .at(asked.now)
            .key::<S::User>(asked.user);
        let args = args.text(Some(asked.effect.kind().name())).int(GUESSES);
        if D::execute(&mut tx, sql::<Use, D, S>(), args).await? == 0 {
            let link = Args::new().text(Some(asked.link));
            let spent = D::fetch(&mut tx, sql::<Spent, D, S>(), link).await?;
            // Dropping the transaction takes the effect back.
            return Ok(if spent.is_empty() {
                Redeemed::Stale
            } else {
                Redeemed::Used
            });
        }
        Self::leave(&mut tx, asked, proven).await?;
        commit(tx).await?;
        Ok(Redeemed::Done)
    }

    /// Whether somebody has proven the address that a change leaves behind, or what a link is about to prove.
    async fn is_proven(conn: &mut D::Connection, asked: &Redemption<'_, Id<S>>) -> Result<bool> {
        let text = match asked.effect {
            Effect::ChangeEmail { .. } => sql::<Proven, D, S>(),
            Effect::Verify { .. } => sql::<FactorProven, D, S>(),
            Effect::ResetPassword { .. } | Effect::UndoEmailChange { .. } => return Ok(false),
        };
        let account = Args::new().key::<S::User>(asked.user);
        let rows = D::fetch(conn, text, account).await?;
        let address = rows.first().map(|row| D::text(row, 0)).transpose()?;
        Ok(address.flatten().is_some())
    }

    /// The change of the account itself. False when it is not what the link is bound to.
    async fn change(conn: &mut D::Connection, asked: &Redemption<'_, Id<S>>) -> Result<bool> {
        let user = Args::new().key::<S::User>(asked.user);
        let (text, args) = match &asked.effect {
            Effect::Verify { factor } => (sql::<Prove, D, S>(), user.text(Some(factor)).flag(true)),
            Effect::ResetPassword {
                factor,
                old,
                new,
                failures,
                ..
            } => {
                let failures = Args::new().blob(Some(*failures));
                D::execute(conn, sql::<ClearFailures, D, S>(), failures).await?;
                let args = user.text(Some(factor)).text(Some(new.as_stored()));
                let args = args.text(Some(stored(*old))).flag(true);
                (sql::<Reset, D, S>(), args)
            }
            Effect::ChangeEmail {
                from,
                to,
                password,
                evict,
                ..
            } => {
                let text = if *evict {
                    sql::<MoveAndEvict, D, S>()
                } else {
                    sql::<Move, D, S>()
                };
                let args = user.text(Some(from.unwrap_or_default())).text(Some(to));
                (text, args.text(Some(stored(*password))).flag(true))
            }
            Effect::UndoEmailChange { to, unusable, .. } => {
                let args = user.text(Some(to)).flag(true);
                match unusable {
                    Some(hash) => {
                        let args = args.text(Some(hash.as_stored()));
                        (sql::<UndoAndLock, D, S>(), args)
                    }
                    None => (sql::<Undo, D, S>(), args),
                }
            }
        };
        let mut args = args;
        S::User::bind_updated(asked.now, &mut args)?;
        Ok(D::execute(conn, text, args).await? > 0)
    }

    async fn end_sessions(conn: &mut D::Connection, asked: &Redemption<'_, Id<S>>) -> Result<()> {
        let ends = match &asked.effect {
            Effect::ChangeEmail { evict, .. } => *evict,
            Effect::ResetPassword { .. } | Effect::UndoEmailChange { .. } => true,
            Effect::Verify { .. } => false,
        };
        if ends {
            sessions::end_of_user::<D, S>(conn, asked.user).await?;
        }
        Ok(())
    }

    /// Which other links go, and what the owner is told.
    async fn leave(
        conn: &mut D::Connection,
        asked: &Redemption<'_, Id<S>>,
        proven: bool,
    ) -> Result<()> {
        let undo = LinkKind::UndoEmailChange.name();
        let others = || {
            Args::new()
                .key::<S::User>(asked.user)
                .text(Some(asked.link))
        };
        match &asked.effect {
            // Whoever set the account up may have linked an identity of their own, and would come back by it when the owner of
            // the mailbox has chosen another password.
            Effect::Verify { .. } if !proven => {
                identities::forget::<D, S>(conn, asked.user).await?;
            }
            Effect::Verify { .. } => {}
            Effect::ResetPassword {
                first_proof: true, ..
            }
            | Effect::UndoEmailChange {
                unusable: Some(_), ..
            } => {
                // Who has the mailbox now linked none of them.
                identities::forget::<D, S>(conn, asked.user).await?;
                D::execute(conn, sql::<KillAll, D, S>(), others()).await?;
            }
            Effect::ResetPassword { .. } => {
                let args = others().text(Some(undo));
                D::execute(conn, sql::<KillAllButUndo, D, S>(), args).await?;
            }
            Effect::ChangeEmail { undo: back, .. } => {
                let args = others().text(Some(undo));
                D::execute(conn, sql::<KillAllButUndo, D, S>(), args).await?;
                if let Some((link, notice)) = back {
                    insert_link::<D, S>(conn, asked.user, link, !proven).await?;
                    enqueue::<D, S>(conn, notice, None).await?;
                }
            }
            Effect::UndoEmailChange { made, .. } => {
                identities::forget_since::<D, S>(conn, asked.user, *made).await?;
                let args = others().text(Some(undo)).at(*made);
                D::execute(conn, sql::<KillLater, D, S>(), args).await?;
            }
        }
        if let Effect::ResetPassword {
            notice: Some(notice),
            ..
        } = &asked.effect
        {
            enqueue::<D, S>(conn, notice, None).await?;
        }
        Ok(())
    }
}

/// Whether another account has the address.
fn is_taken(error: &Error) -> bool {
    Refusal::of(error).is_some_and(|refusal| refusal.whole().is_unique_violation())
}

impl<D, S> Links<S::User> for SqlStore<D, S>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    fn link<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<(LinkRow, S::User)>>> {
        Box::pin(async move {
            let row = self.first::<Lookup>(Args::new().text(Some(id))).await?;
            row.map(|row| Ok((read::<D>(&row)?, S::User::read(&row, WIDTH)?)))
                .transpose()
        })
    }

    fn count_guess<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<()>> {
        let args = Args::new().text(Some(id)).int(GUESSES);
        Box::pin(async move { self.execute::<CountGuess>(args).await.map(drop) })
    }

    fn redeem<'a>(
        &'a self,
        redemption: &'a Redemption<'a, Id<S>>,
    ) -> BoxFuture<'a, Result<Redeemed>> {
        Box::pin(self.in_time(self.spend(redemption)))
    }
}
