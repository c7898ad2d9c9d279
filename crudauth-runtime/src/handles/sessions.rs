//! What the application's own code does with the sessions of every account.

use std::fmt;

use super::Id;
use crate::account::AuthUser;
use crate::authority::{Authority, engine};
use crate::engine::{hex, unhex};
use crate::error::Result;
use crate::store::ListedSession;

/// Sessions: `auth.sessions()`.
pub struct SessionsHandle<'a, A: Authority>(&'a A);

impl<A: Authority> fmt::Debug for SessionsHandle<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::sessions()", A::NAME)
    }
}

/// A live session, as the application sees it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Public handle; never the cookie's value.
    pub handle: String,
    /// Sign-in.
    pub created_at: time::OffsetDateTime,
    /// Last recorded use; up to 60 s behind.
    pub last_activity: time::OffsetDateTime,
    /// Client address at sign-in.
    pub ip: Option<String>,
    /// User agent at sign-in. Untrusted.
    pub user_agent: Option<String>,
    /// Whether it was opened with `remember_me`.
    pub remembered: bool,
}

impl From<&ListedSession> for SessionInfo {
    fn from(listed: &ListedSession) -> Self {
        let row = &listed.row;
        Self {
            handle: hex(&row.key),
            created_at: row.created_at.to_datetime(),
            last_activity: row.last_activity.to_datetime(),
            ip: listed.ip.clone(),
            user_agent: listed.user_agent.clone(),
            remembered: row.remember,
        }
    }
}

impl<'a, A: Authority> SessionsHandle<'a, A> {
    /// The handle of `auth`.
    #[must_use]
    pub fn new(auth: &'a A) -> Self {
        Self(auth)
    }

    pub(crate) const fn authority(&self) -> &'a A {
        self.0
    }

    /// The live sessions of an account, the most recently active first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn list(&self, user: &A::User) -> Result<Vec<SessionInfo>> {
        let engine = engine(self.0);
        let rows = engine
            .store
            .list(user.id(), user.account().token_version, engine.now())
            .await?;
        Ok(rows.iter().map(SessionInfo::from).collect())
    }

    /// Ends one session by its public handle. False when there was none.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn revoke(&self, handle: &str) -> Result<bool> {
        match unhex(handle) {
            Some(key) => engine(self.0).store.end(&key, None).await,
            None => Ok(false),
        }
    }

    /// Ends every session of an account and says how many there were. Its refresh families end too, and do not count.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn revoke_all(&self, user: &Id<A>) -> Result<u64> {
        let engine = engine(self.0);
        engine.store.end_all(user, None, engine.now()).await
    }

    /// Deletes expired rows now, instead of at the sweeper's next turn, and says how many went.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn sweep(&self) -> Result<u64> {
        crate::workers::sweep(engine(self.0)).await
    }
}
