//! The application's account table.

use futures_util::future::BoxFuture;

use super::held::Held;
use super::outbox::enqueue;
use super::{
    Schema, SqlStore, UserRow, commit, elevations, families, identities, int, sessions, sql,
    statements,
};
use crate::account::{AccountKey, AuthUser, ColumnDef, NewAccount, Role};
use crate::clock::Timestamp;
use crate::crypto::PasswordHash;
use crate::crypto::link::LinkKind;
use crate::error::{Error, Result};
use crate::store::dialect::{Args, Column, Dialect};
use crate::store::identities::{Attached, NewIdentity};
use crate::store::outbox::Job;
use crate::store::refusal::Refusal;
use crate::store::repr::Keeps;
use crate::store::{AccountChange, Inserted, LoginField, PasswordChange, Taken, Unfit, Users};

statements! {
    ByEmail = "SELECT {u.*} FROM {users} u WHERE u.{email} = $1";
    ByUsername = "SELECT {u.*} FROM {users} u WHERE u.{username} = $1";
    ByFactor = "SELECT {u.*} FROM {users} u WHERE u.{factor} = $1";
    ById = "SELECT {u.*} FROM {users} u WHERE u.{id} = $1";
    /// A value that is not given is NULL, which equals nothing. Rows that the application inserted itself have no reserved
    /// name, so the table is asked too.
    TakenValues = "SELECT (SELECT count(*) FROM {users} WHERE {email} = $1), \
        (SELECT count(*) FROM {users} WHERE {username} = $2) + (SELECT count(*) FROM {@usernames} n \
        JOIN {users} u ON u.{id} = n.user_id WHERE n.folded = $3)";
    Insert = "INSERT INTO {users} {insert} RETURNING {id}";
    Reserve = "INSERT INTO {@usernames} (folded, user_id) VALUES ($1, $2) ON CONFLICT (folded) DO NOTHING";
    /// A name whose owner is gone may be taken over. A statement of its own: the reservation that stood in the way may have
    /// been made while the one above waited for it, and only a later statement is sure to see the account it belongs to.
    TakeOver = "UPDATE {@usernames} SET user_id = $2 WHERE folded = $1 \
        AND NOT EXISTS (SELECT 1 FROM {users} u WHERE u.{id} = {@usernames}.user_id)";
    Rehash = "UPDATE {users} SET {password_hash} = $1 WHERE {id} = $2 AND {password_hash} = $3";
    SetPassword = "UPDATE {users} SET {password_hash} = $1[updated_at:, {updated_at} = $4] \
        WHERE {id} = $2 AND COALESCE({password_hash}, '') = $3";
    ChangePassword = "UPDATE {users} SET {password_hash} = $1[token_version:, {token_version} = {token_version} + 1]\
        [updated_at:, {updated_at} = $4] WHERE {id} = $2 AND COALESCE({password_hash}, '') = $3";
    EndOthers = "DELETE FROM {@sessions} WHERE user_id = $1 AND id <> $2";
    /// The session that made the change lives on under the new epoch, under a new id and token where these are given.
    Rebind = "UPDATE {@sessions} SET id = COALESCE($2, id), csrf = COALESCE($3, csrf)\
        [token_version:, token_version = (SELECT {token_version} FROM {users} WHERE {id} = $4)] \
        WHERE id = $1 AND user_id = $4";
    SetActive = "UPDATE {users} SET {is_active} = $1[updated_at:, {updated_at} = $3] WHERE {id} = $2";
    SetSuperuser = "UPDATE {users} SET {is_superuser} = $1[updated_at:, {updated_at} = $3] WHERE {id} = $2";
    SetVerified = "UPDATE {users} SET {verified} = $1[updated_at:, {updated_at} = $3] WHERE {id} = $2";
    /// A former address can still take its change back, once the account is enabled.
    Void = "DELETE FROM {@tokens} WHERE user_id = $1 AND kind <> $2";
    Forget = "DELETE FROM {@tokens} WHERE user_id = $1";
    Unsend = "DELETE FROM {@outbox} WHERE user_id = $1";
    Release = "DELETE FROM {@usernames} WHERE user_id = $1";
    Delete = "DELETE FROM {users} WHERE {id} = $1";
}

impl<D, S> SqlStore<D, S>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    async fn one<T: super::Template>(&self, args: Args<D>) -> Result<Option<S::User>> {
        let row = self.first::<T>(args).await?;
        row.map(|row| S::User::read(&row, 0)).transpose()
    }

    async fn insert_row(
        &self,
        new: &NewAccount<S::User>,
        folded: Option<&str>,
        message: Option<&Job<Id<S>>>,
        identity: Option<&NewIdentity<'_>>,
    ) -> Result<Inserted<Id<S>>> {
        let mut held = self.hold().await?;
        match Self::insert_in(&mut held, new, folded, message, identity).await {
            Err(error) => refused::<D, S>(&mut held, new, error).await,
            inserted => inserted,
        }
    }

    async fn insert_in(
        held: &mut Held<'_, D>,
        new: &NewAccount<S::User>,
        folded: Option<&str>,
        message: Option<&Job<Id<S>>>,
        identity: Option<&NewIdentity<'_>>,
    ) -> Result<Inserted<Id<S>>> {
        let mut tx = held.begin().await?;
        let mut args = Args::new();
        S::User::bind(new, &mut args)?;
        let rows = D::fetch(&mut tx, sql::<Insert, D, S>(), args).await?;
        let Some(row) = rows.first() else {
            return Ok(Inserted::Taken(None));
        };
        let key = <S::User as UserRow<D>>::Key::read(row, 0)?;
        let id = Id::<S>::from_inner(<S::User as UserRow<D>>::Key::read(row, 0)?.into_value());
        if let Some(identity) = identity {
            match identities::insert::<D, S>(&mut tx, &id, identity).await? {
                Attached::Done => {}
                Attached::Unfit => return Ok(Inserted::Unfit(Unfit::default())),
                _ => return Ok(Inserted::Taken(None)), // somebody signed in by it meanwhile
            }
        }
        if folded.is_some() {
            let name = Args::new().text(folded).value(&key);
            let mut reserved = D::execute(&mut tx, sql::<Reserve, D, S>(), name).await? > 0;
            if !reserved {
                let name = Args::new().text(folded).value(&key);
                reserved = D::execute(&mut tx, sql::<TakeOver, D, S>(), name).await? > 0;
            }
            if !reserved {
                return Ok(Inserted::Taken(None)); // dropping the transaction rolls the row back
            }
        }
        if let Some(message) = message {
            enqueue::<D, S>(&mut tx, message, Some(&id)).await?;
        }
        commit(tx).await?;
        Ok(Inserted::Created(id))
    }

    /// The arguments of a change, with `updated_at` where the application has that column.
    fn changed(now: Timestamp, mut args: Args<D>) -> Result<Args<D>> {
        S::User::bind_updated(now, &mut args)?;
        Ok(args)
    }

    async fn change_password(&self, change: PasswordChange<'_, Id<S>>) -> Result<bool> {
        let mut held = self.hold().await?;
        let mut tx = held.begin().await?;
        let old = change.old.map_or("", PasswordHash::as_stored);
        let args = Args::new()
            .text(Some(change.new.as_stored()))
            .key::<S::User>(change.user)
            .text(Some(old));
        let args = Self::changed(change.now, args)?;
        let text = if change.evict.is_some() {
            sql::<ChangePassword, D, S>()
        } else {
            sql::<SetPassword, D, S>()
        };
        if D::execute(&mut tx, text, args).await? == 0 {
            return Ok(false);
        }
        if let Some(evict) = change.evict {
            let keep = evict.keep.unwrap_or_default(); // no session has the all-zero digest
            let args = Args::new().key::<S::User>(change.user).blob(Some(&keep));
            D::execute(&mut tx, sql::<EndOthers, D, S>(), args).await?;
            let (id, csrf) = evict
                .rotate
                .map_or((None, None), |(id, csrf)| (Some(id), csrf));
            let args = Args::new()
                .blob(Some(&keep))
                .blob(id.as_ref().map(<[u8; 32]>::as_slice));
            let args = args
                .blob(csrf.as_ref().map(<[u8; 32]>::as_slice))
                .key::<S::User>(change.user);
            let bound = D::execute(&mut tx, sql::<Rebind, D, S>(), args).await?;
            if bound == 0 && evict.keep.is_some() {
                return Ok(false); // the calling session was ended meanwhile: its change is rolled back
            }
            // The kept session's too: what it proved was the former password.
            elevations::end_of_user::<D, S>(&mut tx, change.user, None).await?;
            families::end_all::<D, S>(&mut tx, change.user).await?;
        }
        if let Some(notice) = change.notice {
            enqueue::<D, S>(&mut tx, notice, None).await?;
        }
        commit(tx).await?;
        Ok(true)
    }

    async fn change_account(
        &self,
        id: &Id<S>,
        change: AccountChange,
        now: Timestamp,
    ) -> Result<bool> {
        let table = <S::User as AuthUser>::TABLE;
        let (column, text, value) = match change {
            AccountChange::Active(value) => (
                table.column(Role::IsActive),
                sql::<SetActive, D, S>(),
                value,
            ),
            AccountChange::Superuser(value) => (
                table.column(Role::IsSuperuser),
                sql::<SetSuperuser, D, S>(),
                value,
            ),
            AccountChange::Verified(value) => {
                (table.factor_verified(), sql::<SetVerified, D, S>(), value)
            }
        };
        if column.is_none() {
            return Ok(false);
        }
        let mut held = self.hold().await?;
        let mut tx = held.begin().await?;
        let args = Self::changed(now, Args::new().flag(value).key::<S::User>(id))?;
        let found = D::execute(&mut tx, text, args).await? > 0;
        if change == AccountChange::Active(false) {
            sessions::end_of_user::<D, S>(&mut tx, id).await?;
            let args = Args::new()
                .key::<S::User>(id)
                .text(Some(LinkKind::UndoEmailChange.name()));
            D::execute(&mut tx, sql::<Void, D, S>(), args).await?;
        }
        commit(tx).await?;
        Ok(found)
    }

    async fn delete_account(&self, user: &Id<S>) -> Result<bool> {
        let id = || Args::new().key::<S::User>(user);
        let mut held = self.hold().await?;
        let mut tx = held.begin().await?;
        // The account before its sessions, as everybody does: a sign-in that comes first is seen, one that comes later
        // finds no account.
        let found = D::execute(&mut tx, sql::<Delete, D, S>(), id()).await? > 0;
        sessions::end_of_user::<D, S>(&mut tx, user).await?;
        identities::forget::<D, S>(&mut tx, user).await?;
        D::execute(&mut tx, sql::<Release, D, S>(), id()).await?;
        D::execute(&mut tx, sql::<Forget, D, S>(), id()).await?;
        D::execute(&mut tx, sql::<Unsend, D, S>(), id()).await?;
        commit(tx).await?;
        Ok(found)
    }
}

/// What became of a row that the database refused: the error itself, where no value of the client's is to blame.
async fn refused<D: Dialect, S: Schema<User: UserRow<D>>>(
    held: &mut Held<'_, D>,
    new: &NewAccount<S::User>,
    error: Error,
) -> Result<Inserted<Id<S>>> {
    let Some(refusal) = Refusal::of(&error).filter(|refusal| refusal.is_about_values()) else {
        return Err(error);
    };
    let table = <S::User as AuthUser>::TABLE;
    let refusing = D::refusing_column(refusal.whole());
    if refusal.whole().is_unique_violation() {
        let column = refusing.and_then(|name| find::<D>(table.columns, &name));
        return Ok(Inserted::Taken(column.filter(|column| {
            matches!(column.role, Role::Own | Role::Recovery)
        })));
    }
    let names = match refusing {
        Some(name) => vec![name],
        None => D::constrained(held, &table, refusal.whole()).await?,
    };
    let mut unfit = Unfit::default();
    if names.is_empty() {
        unfit = too_long::<D, S>(held, new).await?;
    } else {
        let known = || {
            let columns = names
                .iter()
                .filter_map(|name| find::<D>(table.columns, name));
            columns.filter(|column| column.is_clients())
        };
        unfit.column = known().next();
        if unfit.column.is_none() {
            return Err(error); // what the application fills itself, or what nobody does
        }
    }
    let column = unfit.column.map(|column| column.name);
    tracing::warn!(%refusal, column, "the account table does not take a value of a sign-up");
    Ok(Inserted::Unfit(unfit))
}

/// The login field that has more characters than its column holds. The database does not say which value was too long.
async fn too_long<D: Dialect, S: Schema>(
    held: &mut Held<'_, D>,
    new: &NewAccount<S::User>,
) -> Result<Unfit> {
    let table = <S::User as AuthUser>::TABLE;
    let live = D::describe(held, table.schema, table.name).await?;
    let live = live.map(|live| live.columns).unwrap_or_default();
    let texts = [(Role::Email, &new.email), (Role::Username, &new.username)];
    let unfit = texts.into_iter().find_map(|(role, text)| {
        let column = table.column(role)?;
        let live = live
            .iter()
            .find(|live| D::same_name(&live.name, column.name))?;
        let room = live.room?;
        (text.as_ref()?.chars().count() > room).then_some(Unfit {
            column: Some(column),
            room: Some(room),
        })
    });
    Ok(unfit.unwrap_or_default())
}

fn find<D: Dialect>(columns: &'static [ColumnDef], name: &str) -> Option<&'static ColumnDef> {
    columns
        .iter()
        .find(|column| D::same_name(name, column.name))
}

type Id<S> = <<S as Schema>::User as AuthUser>::Id;

impl<D, S> Users<S::User> for SqlStore<D, S>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    fn by_login<'a>(
        &'a self,
        field: LoginField,
        value: &'a str,
    ) -> BoxFuture<'a, Result<Option<S::User>>> {
        Box::pin(async move {
            let args = Args::new().text(Some(value));
            match field {
                LoginField::Email => self.one::<ByEmail>(args).await,
                LoginField::Username => self.one::<ByUsername>(args).await,
            }
        })
    }

    fn by_factor<'a>(&'a self, value: &'a str) -> BoxFuture<'a, Result<Option<S::User>>> {
        Box::pin(self.one::<ByFactor>(Args::new().text(Some(value))))
    }

    fn by_id<'a>(&'a self, id: &'a Id<S>) -> BoxFuture<'a, Result<Option<S::User>>> {
        Box::pin(self.one::<ById>(Args::new().key::<S::User>(id)))
    }

    fn taken<'a>(
        &'a self,
        email: Option<&'a str>,
        username: Option<&'a str>,
        folded: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Taken>> {
        Box::pin(async move {
            let args = Args::new().text(email).text(username).text(folded);
            let row = self.first::<TakenValues>(args).await?;
            row.map_or(Ok(Taken::default()), |row| {
                let email = int::<D>(&row, 0)? > 0;
                let username = int::<D>(&row, 1)? > 0;
                Ok(Taken { email, username })
            })
        })
    }

    fn insert<'a>(
        &'a self,
        new: NewAccount<S::User>,
        folded: Option<&'a str>,
        message: Option<Job<Id<S>>>,
        identity: Option<NewIdentity<'a>>,
    ) -> BoxFuture<'a, Result<Inserted<Id<S>>>> {
        Box::pin(async move {
            let work = self.insert_row(&new, folded, message.as_ref(), identity.as_ref());
            self.in_time(work).await
        })
    }

    fn rehash<'a>(
        &'a self,
        id: &'a Id<S>,
        old: &'a PasswordHash,
        new: &'a PasswordHash,
    ) -> BoxFuture<'a, Result<bool>> {
        let args = Args::new()
            .text(Some(new.as_stored()))
            .key::<S::User>(id)
            .text(Some(old.as_stored()));
        Box::pin(async move { Ok(self.execute::<Rehash>(args).await? > 0) })
    }

    fn set_password<'a>(
        &'a self,
        change: PasswordChange<'a, Id<S>>,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.in_time(self.change_password(change)))
    }

    fn change<'a>(
        &'a self,
        id: &'a Id<S>,
        change: AccountChange,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.in_time(self.change_account(id, change, now)))
    }

    fn delete<'a>(&'a self, id: &'a Id<S>) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.in_time(self.delete_account(id)))
    }
}
