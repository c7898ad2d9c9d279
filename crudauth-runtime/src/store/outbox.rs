//! Messages that are due: what a flow leaves behind for the worker.

use futures_util::future::BoxFuture;

use super::Digest;
use super::links::NewLink;
use crate::account::AuthUser;
use crate::clock::Timestamp;
use crate::error::Result;
use std::time::Duration;

/// What a row of the outbox asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobKind {
    /// A link to the new address.
    Change,
    /// A notice to the former address, with the link that takes the change back.
    EmailChanged,
    /// A notice to the owner of an address that somebody tried to register.
    ExistingAccount,
    /// A notice of a way to sign in that was added.
    IdentityLinked,
    /// A notice of a new password.
    PasswordChanged,
    /// A link to a new password.
    Reset,
    /// A link that proves what the account is recovered by.
    Verify,
}

impl JobKind {
    const ALL: [Self; 7] = [
        Self::Change,
        Self::EmailChanged,
        Self::ExistingAccount,
        Self::IdentityLinked,
        Self::PasswordChanged,
        Self::Reset,
        Self::Verify,
    ];

    /// As the row says it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::EmailChanged => "email_changed",
            Self::ExistingAccount => "existing_account",
            Self::IdentityLinked => "identity_linked",
            Self::PasswordChanged => "password_changed",
            Self::Reset => "reset",
            Self::Verify => "verify",
        }
    }

    /// What a row says.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A row of the outbox.
///
/// Requests of strangers name a `target` and nobody's account: whether there is one is looked up by the worker, so that
/// the request cannot tell (SEC-029). A row that has a `recipient` is ready to go.
#[derive(Clone)]
pub struct Job<K> {
    /// Its name, which is also the message's.
    pub id: String,
    /// What it asks for.
    pub kind: JobKind,
    /// Whose account, where that is known.
    pub user: Option<K>,
    /// The value that a request named: an address, a phone number. Canonical.
    pub target: Option<String>,
    /// Where the message goes.
    pub recipient: Option<String>,
    /// The row of the link that it carries.
    pub link: Option<String>,
    /// What the account was when this was asked for; a later change voids it.
    pub state: Option<Digest>,
    /// Where the browser goes afterwards.
    pub redirect_to: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When nobody needs it any more.
    pub expires_at: Timestamp,
}

impl<K> std::fmt::Debug for Job<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A row that this process has taken, for as long as the lease lasts.
#[derive(Debug, Clone)]
pub struct Claimed<K> {
    /// The row.
    pub job: Job<K>,
    /// How often it was taken, this time included. Whoever takes it later has a higher number, and the only word.
    pub attempt: i64,
}

/// What makes a row ready to go: the link that it carries, and where to.
#[derive(Debug)]
pub struct Resolution<'a, K> {
    /// The row.
    pub job: &'a str,
    /// Whose account.
    pub user: &'a K,
    /// Where to.
    pub recipient: &'a str,
    /// The link; the older ones of its kind are dead from then on.
    pub link: Option<&'a NewLink>,
}

/// Messages that are due.
pub trait Outbox<U: AuthUser>: Send + Sync {
    /// Writes a row. One with a name that is there already changes nothing.
    fn enqueue<'a>(&'a self, job: &'a Job<U::Id>) -> BoxFuture<'a, Result<()>>;
    /// The same, with as many trips to the database as an account is inserted with, user name or not: whoever measures a
    /// sign-up must not see which of the two it was.
    fn enqueue_as_insert<'a>(
        &'a self,
        job: &'a Job<U::Id>,
        username: bool,
    ) -> BoxFuture<'a, Result<()>>;
    /// Takes at most `most` rows that are due; nobody else takes them before `lease` is over.
    fn claim(
        &self,
        now: Timestamp,
        lease: Duration,
        most: u32,
    ) -> BoxFuture<'_, Result<Vec<Claimed<U::Id>>>>;
    /// Makes a row ready to go. False, and nothing of it, when it is ready or gone already, or the account is gone.
    fn resolve<'a>(&'a self, resolution: &'a Resolution<'a, U::Id>) -> BoxFuture<'a, Result<bool>>;
    /// Deletes a row that this process has taken.
    fn finish<'a>(&'a self, id: &'a str, attempt: i64) -> BoxFuture<'a, Result<()>>;
    /// Puts a row that this process has taken off until `at`.
    fn postpone<'a>(
        &'a self,
        id: &'a str,
        attempt: i64,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<()>>;
    /// When the next row is due, if there is one.
    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>>>;
}
