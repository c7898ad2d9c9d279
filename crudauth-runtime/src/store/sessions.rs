//! Cookie sessions.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{Buckets, Digest};
use crate::account::AuthUser;
use crate::clock::Timestamp;
use crate::error::Result;

/// A session that is about to be opened.
#[derive(Debug)]
pub struct NewSession<'a, K> {
    /// Digest of the cookie's value.
    pub key: Digest,
    /// Whose.
    pub user: &'a K,
    /// Digest of the CSRF token; `None` where CSRF is off.
    pub csrf: Option<Digest>,
    /// The account's epoch.
    pub token_version: i64,
    /// Now.
    pub now: Timestamp,
    /// How long it may lie unused.
    pub idle: Duration,
    /// How long it lives at most.
    pub absolute: Duration,
    /// Whether its cookies outlive the browser.
    pub remember: bool,
    /// Client address, as text.
    pub ip: Option<String>,
    /// User agent, cut and cleaned.
    pub user_agent: Option<String>,
    /// The session whose cookie came with the request: it ends.
    pub presented: Option<Digest>,
    /// Most live sessions of this account, this one included.
    pub max_sessions: u32,
    /// The sign-in attempt that this session is the success of.
    pub attempt: Option<&'a Buckets>,
    /// Whether that success gives the address back the failures which this account caused.
    pub clear_address: bool,
}

/// A live session's record.
#[derive(Debug, Clone)]
pub struct SessionRow {
    /// Digest of the cookie's value; in hex, the public handle.
    pub key: Digest,
    /// Digest of the CSRF token.
    pub csrf: Option<Digest>,
    /// The epoch it was opened under.
    pub token_version: i64,
    /// Sign-in.
    pub created_at: Timestamp,
    /// Last recorded use; up to 60 s behind.
    pub last_activity: Timestamp,
    /// Dead from this instant on, unless used before.
    pub expires_at: Timestamp,
    /// Dead from this instant on, whatever its use.
    pub absolute_at: Timestamp,
    /// How long it may lie unused.
    pub idle: Duration,
    /// Whether its cookies outlive the browser.
    pub remember: bool,
}

/// A live session as its owner sees it. A guard reads only what it judges by: each column costs an allocation or two.
#[derive(Debug, Clone)]
pub struct ListedSession {
    /// What every request is told.
    pub row: SessionRow,
    /// Client address at sign-in.
    pub ip: Option<String>,
    /// User agent at sign-in.
    pub user_agent: Option<String>,
}

/// Cookie sessions.
pub trait Sessions<U: AuthUser>: Send + Sync {
    /// Ends the presented session, settles the attempt, opens the new one and ends those over the cap, in one
    /// transaction. False, and nothing of it, when the account is gone, disabled or under another epoch by now.
    fn open<'a>(&'a self, new: NewSession<'a, U::Id>) -> BoxFuture<'a, Result<bool>>;
    /// The session and its account, in one statement. Expired sessions are returned too: the flow judges.
    fn session<'a>(&'a self, key: &'a Digest) -> BoxFuture<'a, Result<Option<(SessionRow, U)>>>;
    /// Records use, unless that was done since `not_since`. Never brings an ended session back.
    fn touch<'a>(
        &'a self,
        session: &'a SessionRow,
        now: Timestamp,
        not_since: Timestamp,
    ) -> BoxFuture<'a, Result<()>>;
    /// Deletes the session if it has expired, so that a clock that is set back finds it dead.
    fn bury<'a>(&'a self, key: &'a Digest, now: Timestamp) -> BoxFuture<'a, Result<()>>;
    /// Ends one session, of this user if one is named. False when there was none.
    fn end<'a>(&'a self, key: &'a Digest, user: Option<&'a U::Id>) -> BoxFuture<'a, Result<bool>>;
    /// Ends the user's live sessions and says how many there were. Its refresh families end with them, whatever session is
    /// kept, and do not count.
    fn end_all<'a>(
        &'a self,
        user: &'a U::Id,
        except: Option<&'a Digest>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<u64>>;
    /// The user's live sessions of this epoch, most recently active first.
    fn list<'a>(
        &'a self,
        user: &'a U::Id,
        token_version: i64,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<ListedSession>>>;
    /// Replaces the CSRF digest if it still is `old`. False when it is not.
    fn set_csrf<'a>(
        &'a self,
        key: &'a Digest,
        old: Option<&'a Digest>,
        new: &'a Digest,
    ) -> BoxFuture<'a, Result<bool>>;
}
