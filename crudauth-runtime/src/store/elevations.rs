//! Sessions whose owner has proven once more who it is, and the budget of those who try.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::Digest;
use crate::account::AuthUser;
use crate::clock::Timestamp;
use crate::crypto::PasswordHash;
use crate::error::Result;

/// A way to prove once more who one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// The account's password.
    Password,
}

impl Method {
    /// Every way there is.
    pub const ALL: &[Self] = &[Self::Password];

    /// As `by(…)` names it and the row keeps it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
        }
    }

    /// Its bit in a set of ways.
    #[must_use]
    pub const fn bit(self) -> u32 {
        match self {
            Self::Password => 1,
        }
    }
}

/// A proof that was right.
#[derive(Debug)]
pub struct NewElevation<'a, K> {
    /// The session that it elevates.
    pub session: &'a Digest,
    /// Whose.
    pub user: &'a K,
    /// The hash that was verified: if the row holds another by now, nothing happens.
    pub hash: Option<&'a PasswordHash>,
    /// How it was proven.
    pub method: Method,
    /// Now.
    pub now: Timestamp,
    /// Over from this instant on, whatever the session does.
    pub expires_at: Timestamp,
    /// The counter of the account's tries: a right one clears it.
    pub budget: &'a Digest,
}

/// One proof of a session, as it stands.
#[derive(Debug, Clone)]
pub struct Elevation {
    /// How it was proven, as the row says it.
    pub method: String,
    /// When.
    pub proven_at: Timestamp,
    /// Over from this instant on.
    pub expires_at: Timestamp,
}

/// What the budget says of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// Go on; it is the n-th since the last right one.
    Counted(u32),
    /// Refused unseen until then.
    Locked(Timestamp),
}

/// Elevations, and the tries that lead to them.
pub trait Elevations<U: AuthUser>: Send + Sync {
    /// Counts a try before it is looked at, in one statement (SEC-034): of any number at once, `most` go on.
    fn count_try<'a>(
        &'a self,
        budget: &'a Digest,
        most: u32,
        lockout: Duration,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Tried>>;
    /// Takes a try back: nobody looked at it.
    fn forget_try<'a>(&'a self, budget: &'a Digest) -> BoxFuture<'a, Result<()>>;
    /// Closes the budget until `until`, and ends every elevation of the account.
    fn shut_out<'a>(
        &'a self,
        budget: &'a Digest,
        user: &'a U::Id,
        most: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> BoxFuture<'a, Result<()>>;
    /// Elevates the session and clears the budget, in one transaction. False when the session has ended, or the account is
    /// gone, disabled, or under another epoch or password by now: then no session is elevated.
    fn elevate<'a>(&'a self, new: NewElevation<'a, U::Id>) -> BoxFuture<'a, Result<bool>>;
    /// What the session has proven. What has expired is returned too: the flow judges.
    fn elevations<'a>(&'a self, session: &'a Digest) -> BoxFuture<'a, Result<Vec<Elevation>>>;
    /// Deletes what of it has expired, so that a clock that is set back finds it over.
    fn bury_elevations<'a>(
        &'a self,
        session: &'a Digest,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<()>>;
    /// Ends the session's elevation. False when there was none.
    fn end_elevation<'a>(&'a self, session: &'a Digest) -> BoxFuture<'a, Result<bool>>;
}
