//! Journeys to a provider, and the codes in which some of them end.

use futures_util::future::BoxFuture;

use super::{Schema, SqlStore, UserRow, digest, int, sql, statements};
use crate::account::AuthUser;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::store::Digest;
use crate::store::dialect::{Args, Dialect};
use crate::store::journeys::{CodeRow, Journey, Journeys, NewCode, NewState, StateRow};

statements! {
    KeepState = "INSERT INTO {@oauth_states} (id, provider, journey, redirect_to, remember, challenge, scopes, created_at, \
        expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    KeepOwned = "INSERT INTO {@oauth_states} (id, provider, journey, redirect_to, remember, challenge, scopes, created_at, \
        expires_at, user_id, session_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    AmendState = "UPDATE {@oauth_states} SET said = $2 WHERE id = $1 AND said IS NULL";
    TakeState = "DELETE FROM {@oauth_states} WHERE id = $1 AND journey <> 'code' \
        RETURNING provider, journey, session_id, redirect_to, remember, said, expires_at, challenge, scopes";
    /// A code is the last leg of a journey, in the table of the others: as short-lived, and swept and forgotten with them.
    KeepCode = "INSERT INTO {@oauth_states} (id, provider, journey, remember, challenge, scopes, created_at, expires_at, \
        user_id, token_version) VALUES ($1, $2, 'code', 0, $3, $4, $5, $6, $7, $8)";
    Code = "SELECT c.token_version, c.challenge, c.scopes, c.expires_at, {u.*} \
        FROM {@oauth_states} c JOIN {users} u ON u.{id} = c.user_id WHERE c.id = $1 AND c.journey = 'code'";
    /// The one statement that spends. Of any number of callers it finds a row for one.
    SpendCode = "DELETE FROM {@oauth_states} WHERE id = $1 AND journey = 'code'";
    ForgetStates = "DELETE FROM {@oauth_states} WHERE user_id = $1";
}

type Id<S> = <<S as Schema>::User as AuthUser>::Id;

/// Ends every journey on behalf of an account that the transaction has locked.
pub(super) async fn end_of_user<D, S>(conn: &mut D::Connection, user: &Id<S>) -> Result<()>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    let args = Args::new().key::<S::User>(user);
    D::execute(conn, sql::<ForgetStates, D, S>(), args)
        .await
        .map(drop)
}

/// Spends a code inside somebody's transaction. False when somebody else has.
pub(super) async fn spend<D, S>(conn: &mut D::Connection, id: &Digest) -> Result<bool>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    let args = Args::new().blob(Some(id));
    Ok(D::execute(conn, sql::<SpendCode, D, S>(), args).await? > 0)
}

fn lacking() -> Error {
    Error::Store("a journey is not what was written".into())
}

fn state<D: Dialect>(row: &D::Row) -> Result<StateRow> {
    let journey = D::text(row, 1)?.as_deref().and_then(Journey::named);
    Ok(StateRow {
        provider: D::text(row, 0)?.ok_or_else(lacking)?,
        journey: journey.ok_or_else(lacking)?,
        session: digest(D::blob(row, 2)?)?,
        redirect_to: D::text(row, 3)?,
        remember: int::<D>(row, 4)? != 0,
        said: D::text(row, 5)?,
        expires_at: Timestamp::from_micros(int::<D>(row, 6)?),
        challenge: D::text(row, 7)?,
        scopes: D::text(row, 8)?,
    })
}

fn code<D: Dialect>(row: &D::Row) -> Result<CodeRow> {
    Ok(CodeRow {
        token_version: int::<D>(row, 0)?,
        challenge: D::text(row, 1)?.ok_or_else(lacking)?,
        scopes: D::text(row, 2)?,
        expires_at: Timestamp::from_micros(int::<D>(row, 3)?),
    })
}

/// Columns of [`CodeRow`] before those of the account.
const CODE_WIDTH: usize = 4;

impl<D, S> Journeys<S::User> for SqlStore<D, S>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    fn keep_state<'a>(&'a self, state: NewState<'a, Id<S>>) -> BoxFuture<'a, Result<()>> {
        let args = Args::new()
            .blob(Some(&state.id))
            .text(Some(state.provider))
            .text(Some(state.journey.name()));
        let args = args
            .text(state.redirect_to)
            .int(i64::from(state.remember))
            .text(state.wish.map(|wish| wish.challenge))
            .text(state.wish.and_then(|wish| wish.scopes))
            .at(state.now)
            .at(state.expires_at);
        Box::pin(async move {
            match state.owner {
                None => self.execute::<KeepState>(args).await,
                Some((user, session)) => {
                    let args = args.key::<S::User>(user).blob(Some(session));
                    self.execute::<KeepOwned>(args).await
                }
            }
            .map(drop)
        })
    }

    fn amend_state<'a>(&'a self, id: &'a Digest, said: &'a str) -> BoxFuture<'a, Result<()>> {
        let args = Args::new().blob(Some(id)).text(Some(said));
        Box::pin(async move { self.execute::<AmendState>(args).await.map(drop) })
    }

    fn take_state<'a>(&'a self, id: &'a Digest) -> BoxFuture<'a, Result<Option<StateRow>>> {
        let args = Args::new().blob(Some(id));
        Box::pin(async move {
            let rows = self.returning::<TakeState>(args).await?;
            rows.first().map(state::<D>).transpose()
        })
    }

    fn keep_code<'a>(&'a self, code: NewCode<'a, Id<S>>) -> BoxFuture<'a, Result<()>> {
        let args = Args::new()
            .blob(Some(&code.id))
            .text(Some(code.provider))
            .text(Some(code.wish.challenge))
            .text(code.wish.scopes);
        let args = args
            .at(code.now)
            .at(code.expires_at)
            .key::<S::User>(code.user)
            .int(code.token_version);
        Box::pin(async move { self.execute::<KeepCode>(args).await.map(drop) })
    }

    fn code<'a>(&'a self, id: &'a Digest) -> BoxFuture<'a, Result<Option<(CodeRow, S::User)>>> {
        Box::pin(async move {
            let row = self.first::<Code>(Args::new().blob(Some(id))).await?;
            row.map(|row| Ok((code::<D>(&row)?, S::User::read(&row, CODE_WIDTH)?)))
                .transpose()
        })
    }

    fn spend_code<'a>(&'a self, id: &'a Digest) -> BoxFuture<'a, Result<bool>> {
        let args = Args::new().blob(Some(id));
        Box::pin(async move { Ok(self.execute::<SpendCode>(args).await? > 0) })
    }
}
