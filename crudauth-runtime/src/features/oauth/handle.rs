//! What the application's own code does with identities.

use std::fmt;

use time::OffsetDateTime;

use super::HasOAuth;
use super::flow;
use super::manage;
use crate::account::AuthUser;
use crate::authority::engine;
use crate::clock::Timestamp;
use crate::engine::{hex, unhex};
use crate::error::{Error, Result};
use crate::oauth::KeptTokens;
use crate::store::identities::{Detached, IdentityRow};

/// Accounts at providers: `auth.oauth()`.
pub struct OAuthHandle<'a, A: HasOAuth>(&'a A);

impl<A: HasOAuth> fmt::Debug for OAuthHandle<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::oauth()", A::NAME)
    }
}

/// An account at a provider that opens an account here.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// What [`OAuthHandle::unlink`] takes.
    pub id: String,
    /// The provider, as the block named it when it was linked.
    pub provider: String,
    /// The address there, when it was last used. `None` likewise.
    pub email: Option<String>,
    /// When it was linked. `None` where a column of the account's own holds the identity.
    pub created_at: Option<OffsetDateTime>,
    /// When it last opened the account. `None` likewise.
    pub last_used_at: Option<OffsetDateTime>,
}

/// Why an identity was not unlinked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnlinkError {
    /// The account has neither a password nor another identity.
    #[error("nobody could sign in without it")]
    LastWayIn,
    /// The account has no such identity.
    #[error("the account has no such identity")]
    NotFound,
    /// The database failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

type Id<A> = <<A as crate::store::sql::Schema>::User as AuthUser>::Id;

impl<'a, A: HasOAuth> OAuthHandle<'a, A> {
    /// The handle of `auth`.
    #[must_use]
    pub fn new(auth: &'a A) -> Self {
        Self(auth)
    }

    /// The declared providers, in the block's order: for a page that offers them.
    pub fn providers(&self) -> impl Iterator<Item = &'static str> + use<A> {
        A::OAUTH.providers.iter().map(|provider| provider.name)
    }

    /// The account's identities, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn identities(&self, user: &Id<A>) -> Result<Vec<Identity>> {
        let rows = engine(self.0).store.identities(user).await?;
        let identity = |row: IdentityRow| Identity {
            id: hex(&row.id),
            provider: row.provider,
            email: row.email,
            created_at: row.created_at.map(Timestamp::to_datetime),
            last_used_at: row.last_used_at.map(Timestamp::to_datetime),
        };
        Ok(rows.into_iter().map(identity).collect())
    }

    /// What the provider gave for the account's last sign-in by it, where the block says `keep_tokens`: for calls to the provider's
    /// own API. `None` where nothing is kept, and for what was kept under a secret that has been taken away since. A token that
    /// is over is returned too; the next sign-in replaces it.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn tokens(&self, user: &Id<A>, provider: &str) -> Result<Option<KeptTokens>> {
        flow::kept(engine(self.0), user, provider).await
    }

    /// Removes one of the account's identities.
    ///
    /// # Errors
    /// [`UnlinkError`]: without it nobody could sign in any more, there is none of this name, or the database failed.
    ///
    /// # Security
    /// Ask for `#[require(sudo)]` before you call it: whoever takes over a session would keep the owner out.
    pub async fn unlink(&self, user: &Id<A>, id: &str) -> std::result::Result<(), UnlinkError> {
        let id = unhex(id).ok_or(UnlinkError::NotFound)?;
        match manage::detach(self.0, user, &id).await? {
            Detached::Done => Ok(()),
            Detached::Missing => Err(UnlinkError::NotFound),
            Detached::Last => Err(UnlinkError::LastWayIn),
        }
    }
}
