//! Identities.
//!
//! Order of locks in every transaction here: the account, its sessions, their elevations, its families, its identities, its
//! links, its messages.

use futures_util::future::BoxFuture;

use super::outbox::enqueue;
use super::{
    Schema, SqlStore, UserRow, commit, digest, int, journeys, sessions, sql, statements, subjects,
};
use crate::account::{AuthUser, Role};
use crate::clock::Timestamp;
use crate::crypto::PasswordHash;
use crate::error::{Error, Result};
use crate::store::Digest;
use crate::store::dialect::{Args, Dialect};
use crate::store::identities::{
    Attached, Detached, Ground, Identities, IdentityRow, NewIdentity, Removal,
};
use crate::store::outbox::Job;

statements! {
    ByIdentity = "SELECT {u.*} FROM {@identities} i JOIN {users} u ON u.{id} = i.user_id WHERE i.id = $1";
    /// The block may have given the same issuer another name since.
    Use = "UPDATE {@identities} SET last_used_at = $2, email = $3, tokens = $4, provider = $5 WHERE id = $1";
    Insert = "INSERT INTO {@identities} (id, user_id, provider, issuer, subject, email, created_at, last_used_at, tokens) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8) ON CONFLICT (id) DO NOTHING";
    /// One whose owner is gone may be taken over. A statement of its own, as for names: only a later one is sure to see the
    /// account of a row that the one above has waited for.
    TakeOver = "UPDATE {@identities} SET user_id = $2, provider = $3, email = $6, created_at = $7, last_used_at = $7, tokens = $8 \
        WHERE id = $1 AND issuer = $4 AND subject = $5 \
        AND NOT EXISTS (SELECT 1 FROM {users} u WHERE u.{id} = {@identities}.user_id)";
    /// Whoever proves, moves, disables or deletes the account waits, or is seen here.
    Proven = "SELECT {id} FROM {users} WHERE {id} = $1 AND {email} = $2[email_verified: AND {email_verified}]\
        [is_active: AND {is_active}]{lock}";
    Claim = "UPDATE {users} SET {password_hash} = $3[email_verified:, {email_verified} = $4]\
        [token_version:, {token_version} = {token_version} + 1][updated_at:, {updated_at} = $5] \
        WHERE {id} = $1 AND {email} = $2[email_verified: AND NOT {email_verified}][is_active: AND {is_active}]";
    Owner = "SELECT {id} FROM {users} WHERE {id} = $1[token_version: AND {token_version} = $2][is_active: AND {is_active}]{lock}";
    /// Not this one itself, which another request may have linked within the moment.
    OfProvider = "SELECT count(*) FROM {@identities} WHERE user_id = $1 AND provider = $2 AND id <> $3";
    VoidLinks = "DELETE FROM {@tokens} WHERE user_id = $1";
    Forget = "DELETE FROM {@identities} WHERE user_id = $1";
    ForgetSince = "DELETE FROM {@identities} WHERE user_id = $1 AND created_at >= $2";
    List = "SELECT id, provider, email, created_at, last_used_at FROM {@identities} WHERE user_id = $1 ORDER BY created_at, id";
    Tokens = "SELECT id, tokens FROM {@identities} WHERE user_id = $1 AND provider = $2 AND tokens IS NOT NULL \
        ORDER BY last_used_at DESC, id LIMIT 1";
    /// Of two requests that remove the last two, one comes second.
    Locked = "SELECT {u.*} FROM {users} u WHERE u.{id} = $1{lock}";
    ById = "SELECT {u.*} FROM {users} u WHERE u.{id} = $1";
    Others = "SELECT provider, issuer FROM {@identities} WHERE user_id = $1 AND id <> $2";
    Detach = "DELETE FROM {@identities} WHERE id = $1 AND user_id = $2";
}

type Id<S> = <<S as Schema>::User as AuthUser>::Id;

/// Links an identity to an account that the transaction has locked or made.
pub(super) async fn insert<D, S>(
    conn: &mut D::Connection,
    user: &Id<S>,
    identity: &NewIdentity<'_>,
) -> Result<Attached>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    if subjects::keeps::<S>(identity.provider) {
        return subjects::put::<D, S>(conn, user, identity).await;
    }
    let args = || {
        Args::new()
            .blob(Some(identity.id))
            .key::<S::User>(user)
            .text(Some(identity.provider))
            .text(Some(identity.issuer))
            .text(Some(identity.subject))
            .text(identity.email)
            .at(identity.now)
            .text(identity.tokens)
    };
    let linked = D::execute(conn, sql::<Insert, D, S>(), args()).await? > 0
        || D::execute(conn, sql::<TakeOver, D, S>(), args()).await? > 0;
    Ok(if linked {
        Attached::Done
    } else {
        Attached::Taken
    })
}

/// Removes every identity of an account that the transaction has locked, and ends the journeys on its behalf.
pub(super) async fn forget<D, S>(conn: &mut D::Connection, user: &Id<S>) -> Result<()>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    let args = Args::new().key::<S::User>(user);
    D::execute(conn, sql::<Forget, D, S>(), args).await?;
    subjects::forget::<D, S>(conn, user).await?;
    journeys::end_of_user::<D, S>(conn, user).await
}

/// Removes those that were linked since, and ends the journeys on the account's behalf. A column does not say when: those go all.
pub(super) async fn forget_since<D, S>(
    conn: &mut D::Connection,
    user: &Id<S>,
    since: Timestamp,
) -> Result<()>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    let args = Args::new().key::<S::User>(user).at(since);
    D::execute(conn, sql::<ForgetSince, D, S>(), args).await?;
    subjects::forget::<D, S>(conn, user).await?;
    journeys::end_of_user::<D, S>(conn, user).await
}

fn lacking() -> Error {
    Error::Store("an identity is not what was written".into())
}

fn listed<D: Dialect>(row: &D::Row) -> Result<IdentityRow> {
    let at = |index| int::<D>(row, index).map(Timestamp::from_micros);
    Ok(IdentityRow {
        id: digest(D::blob(row, 0)?)?.ok_or_else(lacking)?,
        provider: D::text(row, 1)?.ok_or_else(lacking)?,
        email: D::text(row, 2)?,
        created_at: Some(at(3)?),
        last_used_at: Some(at(4)?),
    })
}

impl<D, S> SqlStore<D, S>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    async fn attach_in(
        &self,
        user: &Id<S>,
        identity: NewIdentity<'_>,
        ground: Ground<'_>,
        notice: Option<&Job<Id<S>>>,
    ) -> Result<Attached> {
        let mut held = self.hold().await?;
        let mut tx = held.begin().await?;
        if !Self::stands(&mut tx, user, identity.now, ground).await? {
            return Ok(Attached::Stale);
        }
        let claimed = matches!(ground, Ground::Claim { .. });
        if claimed {
            sessions::end_of_user::<D, S>(&mut tx, user).await?;
            forget::<D, S>(&mut tx, user).await?;
            let links = Args::new().key::<S::User>(user);
            D::execute(&mut tx, sql::<VoidLinks, D, S>(), links).await?;
        } else if matches!(ground, Ground::Proven { .. })
            && !subjects::keeps::<S>(identity.provider)
        {
            let args = Args::new()
                .key::<S::User>(user)
                .text(Some(identity.provider))
                .blob(Some(identity.id));
            let held = D::fetch(&mut tx, sql::<OfProvider, D, S>(), args).await?;
            if held.first().map(|row| int::<D>(row, 0)).transpose()? != Some(0) {
                return Ok(Attached::Occupied);
            }
        }
        let attached = insert::<D, S>(&mut tx, user, &identity).await?;
        if attached != Attached::Done {
            return Ok(attached); // dropping the transaction takes the rest back
        }
        if let Some(notice) = notice {
            enqueue::<D, S>(&mut tx, notice, None).await?;
        }
        commit(tx).await?;
        Ok(Attached::Done)
    }

    /// Whether the ground still holds. The account is locked when it does.
    async fn stands(
        conn: &mut D::Connection,
        user: &Id<S>,
        now: Timestamp,
        ground: Ground<'_>,
    ) -> Result<bool> {
        let user = Args::new().key::<S::User>(user);
        match ground {
            Ground::Proven { email } => {
                let rows = D::fetch(conn, sql::<Proven, D, S>(), user.text(Some(email))).await?;
                Ok(!rows.is_empty())
            }
            Ground::Claim { email, unusable } => {
                let args = user.text(Some(email)).text(Some(unusable.as_stored()));
                let mut args = args.flag(true);
                S::User::bind_updated(now, &mut args)?;
                Ok(D::execute(conn, sql::<Claim, D, S>(), args).await? > 0)
            }
            Ground::Owner { token_version } => {
                let has_epoch = <S::User as AuthUser>::TABLE.has(Role::TokenVersion);
                let args = if has_epoch {
                    user.int(token_version)
                } else {
                    user
                };
                let rows = D::fetch(conn, sql::<Owner, D, S>(), args).await?;
                Ok(!rows.is_empty())
            }
        }
    }

    async fn detach_in(&self, user: &Id<S>, removal: Removal<'_>) -> Result<Detached> {
        let mut held = self.hold().await?;
        let mut tx = held.begin().await?;
        let account = Args::new().key::<S::User>(user);
        let rows = D::fetch(&mut tx, sql::<Locked, D, S>(), account).await?;
        let Some(row) = rows.first() else {
            return Ok(Detached::Missing);
        };
        let owner = S::User::read(row, 0)?;
        let (mut gone, others): (Vec<_>, Vec<_>) =
            subjects::listed(&owner).partition(|one| one.id == *removal.id);
        if let Some(one) = gone.pop() {
            subjects::drop::<D, S>(&mut tx, &owner, &one.provider, removal.now).await?;
        } else {
            let own = Args::new().blob(Some(removal.id)).key::<S::User>(user);
            if D::execute(&mut tx, sql::<Detach, D, S>(), own).await? == 0 {
                return Ok(Detached::Missing);
            }
        }
        let args = Args::new().key::<S::User>(user).blob(Some(removal.id));
        let mut ways: Vec<_> = others.into_iter().map(|one| (one.provider, None)).collect();
        for row in D::fetch(&mut tx, sql::<Others, D, S>(), args).await? {
            let provider = D::text(&row, 0)?.ok_or_else(lacking)?;
            if !subjects::keeps::<S>(&provider) {
                ways.push((provider, D::text(&row, 1)?));
            }
        }
        // What a provider says of anybody opens nothing that the block has dropped, or that has another issuer by now.
        let opens = |(provider, issuer): &(String, Option<String>)| {
            let mut declared = removal.declared.iter();
            declared.any(|(name, own)| {
                let same = own
                    .zip(issuer.as_deref())
                    .is_none_or(|(own, one)| own == one);
                name == provider && same
            })
        };
        let password = owner.account().password_hash;
        if !ways.iter().any(opens) && !password.is_some_and(PasswordHash::is_usable) {
            return Ok(Detached::Last); // dropping the transaction brings it back
        }
        commit(tx).await?;
        Ok(Detached::Done)
    }
}

impl<D, S> Identities<S::User> for SqlStore<D, S>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    fn by_identity<'a>(
        &'a self,
        identity: NewIdentity<'a>,
    ) -> BoxFuture<'a, Result<Option<S::User>>> {
        Box::pin(async move {
            if subjects::keeps::<S>(identity.provider) {
                return self.by_subject(identity).await;
            }
            let args = Args::new().blob(Some(identity.id));
            let row = self.first::<ByIdentity>(args).await?;
            row.map(|row| S::User::read(&row, 0)).transpose()
        })
    }

    fn use_identity<'a>(&'a self, identity: NewIdentity<'a>) -> BoxFuture<'a, Result<()>> {
        let args = Args::new()
            .blob(Some(identity.id))
            .at(identity.now)
            .text(identity.email)
            .text(identity.tokens)
            .text(Some(identity.provider));
        Box::pin(async move {
            if subjects::keeps::<S>(identity.provider) {
                return Ok(()); // the column says whom the provider means, and that is the same as before
            }
            self.execute::<Use>(args).await.map(drop)
        })
    }

    fn attach<'a>(
        &'a self,
        user: &'a Id<S>,
        identity: NewIdentity<'a>,
        ground: Ground<'a>,
        notice: Option<&'a Job<Id<S>>>,
    ) -> BoxFuture<'a, Result<Attached>> {
        Box::pin(self.in_time(self.attach_in(user, identity, ground, notice)))
    }

    fn identities<'a>(&'a self, user: &'a Id<S>) -> BoxFuture<'a, Result<Vec<IdentityRow>>> {
        let args = || Args::new().key::<S::User>(user);
        Box::pin(async move {
            let rows = self.fetch::<List>(args()).await?;
            let mut all = rows.iter().map(listed::<D>).collect::<Result<Vec<_>>>()?;
            if <S::User as AuthUser>::TABLE.has(Role::Identity) {
                all.retain(|one| !subjects::keeps::<S>(&one.provider));
                let row = self.first::<ById>(args()).await?;
                let owner = row.map(|row| S::User::read(&row, 0)).transpose()?;
                all.extend(owner.iter().flat_map(subjects::listed));
            }
            Ok(all)
        })
    }

    fn kept_tokens<'a>(
        &'a self,
        user: &'a Id<S>,
        provider: &'a str,
    ) -> BoxFuture<'a, Result<Option<(Digest, String)>>> {
        let args = Args::new().key::<S::User>(user).text(Some(provider));
        Box::pin(async move {
            let Some(row) = self.first::<Tokens>(args).await? else {
                return Ok(None);
            };
            let id = digest(D::blob(&row, 0)?)?.ok_or_else(lacking)?;
            Ok(Some((id, D::text(&row, 1)?.ok_or_else(lacking)?)))
        })
    }

    fn detach<'a>(
        &'a self,
        user: &'a Id<S>,
        removal: Removal<'a>,
    ) -> BoxFuture<'a, Result<Detached>> {
        Box::pin(self.in_time(self.detach_in(user, removal)))
    }
}
