//! Refresh families: one row for each sign-in that asked for tokens, whatever number of tokens it has had since.

use futures_util::future::BoxFuture;

use super::{Buckets, Digest};
use crate::account::AuthUser;
use crate::clock::Timestamp;
use crate::error::Result;

/// A family that is about to be opened, at generation 0.
#[derive(Debug)]
pub struct NewFamily<'a, K> {
    /// Its name.
    pub id: &'a str,
    /// Whose.
    pub user: &'a K,
    /// What is kept of its first token's secret.
    pub secret: Digest,
    /// The account's epoch.
    pub token_version: i64,
    /// What was granted, separated by spaces.
    pub scopes: &'a str,
    /// Now.
    pub now: Timestamp,
    /// Dead from this instant on, whatever its use.
    pub expires_at: Timestamp,
    /// The one-time code that it is opened for.
    pub code: Option<&'a Digest>,
    /// The sign-in attempt that this family is the success of.
    pub attempt: Option<&'a Buckets>,
    /// Whether that success gives the address back the failures which this account caused.
    pub clear_address: bool,
}

/// A family as it stands.
#[derive(Debug, Clone)]
pub struct FamilyRow {
    /// How many times its token has been replaced.
    pub generation: i64,
    /// What is kept of the present token's secret.
    pub secret: Digest,
    /// The epoch it was opened under.
    pub token_version: i64,
    /// What was granted, separated by spaces.
    pub scopes: String,
    /// Sign-in.
    pub created_at: Timestamp,
    /// When the present token replaced the one before it; at first, the sign-in.
    pub rotated_at: Timestamp,
    /// Dead from this instant on, whatever its use.
    pub expires_at: Timestamp,
}

/// Refresh families.
pub trait Families<U: AuthUser>: Send + Sync {
    /// Settles the attempt, opens the family and spends the code, in one transaction. False, and nothing of it, when the account is
    /// gone, disabled or under another epoch by now, or the code was spent.
    fn open_family<'a>(&'a self, new: NewFamily<'a, U::Id>) -> BoxFuture<'a, Result<bool>>;
    /// The family and its account, in one statement. Expired families are returned too: the flow judges.
    fn family<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<(FamilyRow, U)>>>;
    /// Replaces the token of `generation` by the next one, whose secret this is, while the family lives. Of any number of
    /// callers one is told true.
    fn rotate<'a>(
        &'a self,
        id: &'a str,
        generation: i64,
        secret: &'a Digest,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<bool>>;
    /// Ends one family, of this user if one is named. False when there was none.
    fn end_family<'a>(
        &'a self,
        id: &'a str,
        user: Option<&'a U::Id>,
    ) -> BoxFuture<'a, Result<bool>>;
    /// Ends the user's live families and says how many there were.
    fn end_families<'a>(&'a self, user: &'a U::Id, now: Timestamp) -> BoxFuture<'a, Result<u64>>;
    /// The account of an access token that was made from the family called `id`; none when the family has ended by `now`.
    fn by_family<'a>(&'a self, id: &'a str, now: Timestamp) -> BoxFuture<'a, Result<Option<U>>>;
}
