//! Mailed links: rows that are good for one use.

use futures_util::future::BoxFuture;

use super::Digest;
use super::outbox::Job;
use crate::account::AuthUser;
use crate::clock::Timestamp;
use crate::crypto::PasswordHash;
use crate::crypto::link::LinkKind;
use crate::error::Result;

/// Wrong secrets after which a row is void (SEC-089).
pub const GUESSES: i64 = 20;

/// A link that is about to be written.
#[derive(Debug)]
pub struct NewLink {
    /// Its name.
    pub id: String,
    /// What it is good for.
    pub kind: LinkKind,
    /// What is kept of its secret.
    pub secret: Digest,
    /// What the account is now; a later change voids it.
    pub state: Digest,
    /// The address that it moves to.
    pub address: Option<String>,
    /// Where the browser goes afterwards.
    pub redirect_to: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Dead from this instant on.
    pub expires_at: Timestamp,
}

/// A link as it stands.
#[derive(Debug, Clone)]
pub struct LinkRow {
    /// What it is good for, as the row says it.
    pub kind: String,
    /// What is kept of its secret.
    pub secret: Digest,
    /// What the account was.
    pub state: Digest,
    /// The address that it moves to.
    pub address: Option<String>,
    /// Where the browser goes afterwards.
    pub redirect_to: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Dead from this instant on.
    pub expires_at: Timestamp,
    /// Whether it has been spent.
    pub used: bool,
    /// Wrong secrets so far.
    pub guesses: i64,
    /// Nobody had proven [`address`](Self::address) when the account moved away from it.
    pub first_proof: bool,
}

/// The use of a link: it is spent and its effect happens, or neither.
#[derive(Debug)]
pub struct Redemption<'a, K> {
    /// The link's name.
    pub link: &'a str,
    /// Whose account.
    pub user: &'a K,
    /// Now.
    pub now: Timestamp,
    /// What happens.
    pub effect: Effect<'a, K>,
}

/// What a link does. Each is conditional on what the link is bound to, as the account was when it was read.
#[derive(Debug)]
pub enum Effect<'a, K> {
    /// Moves the account from `from` to `to`.
    ChangeEmail {
        /// The present address.
        from: Option<&'a str>,
        /// The new one, which the link has proven.
        to: &'a str,
        /// The present hash.
        password: Option<&'a PasswordHash>,
        /// Whether the account's sessions and refresh families end.
        evict: bool,
        /// What takes it back, and the message that carries it; `None` where there was no address.
        undo: Option<(&'a NewLink, &'a Job<K>)>,
    },
    /// Sets a new password, ends every session, every refresh family and every other link, and proves what the account is
    /// recovered by.
    ResetPassword {
        /// What it is recovered by.
        factor: &'a str,
        /// The present hash.
        old: Option<&'a PasswordHash>,
        /// The new one.
        new: &'a PasswordHash,
        /// The account's failed sign-ins, which are forgotten: whoever holds the mailbox is not shut out (SEC-036).
        failures: &'a Digest,
        /// Whether nobody had proven the mailbox before. Then nothing of what was set up stays (SEC-106).
        first_proof: bool,
        /// Tells the owner.
        notice: Option<&'a Job<K>>,
    },
    /// Puts the former address back, and ends every session, every refresh family and every later link.
    UndoEmailChange {
        /// The former address.
        to: &'a str,
        /// When the link was made: what is older outlives it.
        made: Timestamp,
        /// What takes the password's place where nobody had proven the former address: this is its first proof, by somebody
        /// who did not need the password, so nothing of what was set up stays (SEC-106).
        unusable: Option<&'a PasswordHash>,
    },
    /// Proves what the account is recovered by.
    Verify {
        /// What it is recovered by.
        factor: &'a str,
    },
}

impl<K> Effect<'_, K> {
    /// The kind of link that has it.
    #[must_use]
    pub const fn kind(&self) -> LinkKind {
        match self {
            Self::ChangeEmail { .. } => LinkKind::ChangeEmail,
            Self::ResetPassword { .. } => LinkKind::ResetPassword,
            Self::UndoEmailChange { .. } => LinkKind::UndoEmailChange,
            Self::Verify { .. } => LinkKind::Verify,
        }
    }
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redeemed {
    /// It happened.
    Done,
    /// The account is not what the link is bound to any more, or the link is gone.
    Stale,
    /// Another account has the address.
    Taken,
    /// Somebody else was first.
    Used,
}

/// Mailed links.
pub trait Links<U: AuthUser>: Send + Sync {
    /// The link called `id` and its account.
    fn link<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<(LinkRow, U)>>>;
    /// Counts a wrong secret against the link called `id`.
    fn count_guess<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<()>>;
    /// Spends a link, in one transaction with its effect.
    fn redeem<'a>(
        &'a self,
        redemption: &'a Redemption<'a, U::Id>,
    ) -> BoxFuture<'a, Result<Redeemed>>;
}
