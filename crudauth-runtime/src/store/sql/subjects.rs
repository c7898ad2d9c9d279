//! Identities in columns of the application's own: the account's subject at a provider, where a field is marked
//! `#[auth(identity = "…")]`.
//!
//! The account's row is all that they are: locking it locks them.

use super::{Schema, SqlStore, UserRow, int, sql, statements};
use crate::account::{AuthUser, Role};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::store::dialect::{Args, Dialect};
use crate::store::identities::{Attached, IdentityRow, NewIdentity, subject_id};
use crate::store::refusal::Refusal;

statements! {
    BySubject = "SELECT {u.*} FROM {users} u WHERE {identities:is:1}";
    Put = "UPDATE {users} SET {identities:put:2}[updated_at:, {updated_at} = {identities:after:2}] \
        WHERE {id} = $1 AND {identities:free:2}";
    Own = "SELECT count(*) FROM {users} WHERE {id} = $1 AND ({identities:is:2})";
    Drop = "UPDATE {users} SET {identities:drop:2}[updated_at:, {updated_at} = {identities:after:2}] WHERE {id} = $1";
    Forget = "UPDATE {users} SET {identities:none} WHERE {id} = $1";
}

type Id<S> = <<S as Schema>::User as AuthUser>::Id;

/// Whether the identities of `provider` are in a column.
pub(super) fn keeps<S: Schema>(provider: &str) -> bool {
    <S::User as AuthUser>::TABLE.identity(provider).is_some()
}

impl<D, S> SqlStore<D, S>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    pub(super) async fn by_subject(&self, identity: NewIdentity<'_>) -> Result<Option<S::User>> {
        let mut args = Args::new();
        S::User::bind_identity(identity.provider, identity.subject, &mut args)?;
        let Some(row) = self.first::<BySubject>(args).await? else {
            return Ok(None);
        };
        let user = S::User::read(&row, 0)?;
        // A subject has upper and lower case (OpenID Connect Core §2), whatever the application's column thinks of it.
        let same = user.subject(identity.provider) == Some(identity.subject);
        Ok(same.then_some(user))
    }
}

/// Links an identity to an account that the transaction has locked or made. One that it has already is taken, as a row would be.
pub(super) async fn put<D, S>(
    conn: &mut D::Connection,
    user: &Id<S>,
    identity: &NewIdentity<'_>,
) -> Result<Attached>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    let named = || {
        let mut args = Args::new().key::<S::User>(user);
        S::User::bind_identity(identity.provider, identity.subject, &mut args)?;
        Ok::<_, Error>(args)
    };
    let mut args = named()?;
    S::User::bind_updated(identity.now, &mut args)?;
    match D::execute(conn, sql::<Put, D, S>(), args).await {
        Ok(0) => {
            let rows = D::fetch(conn, sql::<Own, D, S>(), named()?).await?;
            let own = rows.first().map(|row| int::<D>(row, 0)).transpose()?;
            Ok(if own == Some(1) {
                Attached::Taken
            } else {
                Attached::Occupied
            })
        }
        Ok(_) => Ok(Attached::Done),
        Err(error) => match Refusal::of(&error).filter(|refusal| refusal.is_about_values()) {
            Some(refusal) if refusal.whole().is_unique_violation() => Ok(Attached::Taken),
            Some(refusal) => {
                let provider = identity.provider;
                tracing::error!(provider, %refusal, "the account table does not take a subject");
                Ok(Attached::Unfit)
            }
            None => Err(error),
        },
    }
}

/// Removes one of an account that the transaction has locked.
pub(super) async fn drop<D, S>(
    conn: &mut D::Connection,
    user: &S::User,
    provider: &str,
    now: Timestamp,
) -> Result<()>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    let mut args = Args::new().key::<S::User>(user.id());
    let subject = user.subject(provider).unwrap_or_default();
    S::User::bind_identity(provider, subject, &mut args)?;
    S::User::bind_updated(now, &mut args)?;
    D::execute(conn, sql::<Drop, D, S>(), args)
        .await
        .map(|_| ())
}

/// Removes all of an account that the transaction has locked.
pub(super) async fn forget<D, S>(conn: &mut D::Connection, user: &Id<S>) -> Result<()>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    if !<S::User as AuthUser>::TABLE.has(Role::Identity) {
        return Ok(());
    }
    let args = Args::new().key::<S::User>(user);
    D::execute(conn, sql::<Forget, D, S>(), args)
        .await
        .map(|_| ())
}

/// Those of an account, in the struct's order.
pub(super) fn listed<U: AuthUser>(user: &U) -> impl Iterator<Item = IdentityRow> {
    U::TABLE.identities().filter_map(|column| {
        let provider = column.provider?;
        let subject = user.subject(provider).filter(|text| !text.is_empty())?;
        Some(IdentityRow {
            id: subject_id(provider, subject),
            provider: provider.to_owned(),
            email: None,
            created_at: None,
            last_used_at: None,
        })
    })
}
