//! The store: everything crudauth keeps, behind one object-safe trait per concern.
//!
//! Each method is one atomic step. A flow is a sequence of such steps; between two of them no connection is held, and
//! no step takes a second connection while it holds one, so every flow completes on a pool of one.

use std::fmt::Debug;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::account::{AuthUser, ColumnDef, NewAccount};
use crate::clock::Timestamp;
use crate::crypto::PasswordHash;
use crate::error::Result;
use crate::policy::{Limit, LockoutPolicy};
use outbox::Job;

pub(crate) mod attempts;
pub mod dialect;
pub mod elevations;
pub mod families;
pub mod identities;
pub mod journeys;
pub mod links;
pub mod live;
pub mod outbox;
pub(crate) mod patience;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod products;
pub(crate) mod refusal;
pub mod repr;
pub(crate) mod run_statements;
pub mod sessions;
pub mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod text;

pub use elevations::Elevations;
pub use families::{Families, FamilyRow, NewFamily};
pub use identities::{Identities, NewIdentity};
pub use journeys::Journeys;
pub use links::Links;
pub use outbox::Outbox;
pub use refusal::Unfit;
pub use sessions::{ListedSession, NewSession, SessionRow, Sessions};

/// A keyed digest under which a row is stored: what a cookie or an address becomes before it is written down.
pub type Digest = [u8; 32];

/// Everything a flow may ask of the database.
pub trait Store<U: AuthUser>:
    Users<U>
    + Sessions<U>
    + Elevations<U>
    + Families<U>
    + Identities<U>
    + Journeys<U>
    + Attempts
    + Limits
    + Links<U>
    + Outbox<U>
    + Maintenance
    + Debug
{
}

impl<U, T> Store<U> for T
where
    U: AuthUser,
    T: Users<U>
        + Sessions<U>
        + Elevations<U>
        + Families<U>
        + Identities<U>
        + Journeys<U>
        + Attempts
        + Limits
        + Links<U>
        + Outbox<U>
        + Maintenance
        + Debug,
{
}

/// A login field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginField {
    /// The canonical address.
    Email,
    /// The user name, exactly as stored.
    Username,
}

/// Which of the values of a sign-up are already somebody's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// The address.
    pub email: bool,
    /// The user name, as typed or folded.
    pub username: bool,
}

/// What became of an INSERT.
#[derive(Debug, Clone)]
pub enum Inserted<K> {
    /// The new row's key.
    Created(K),
    /// A unique index refused it: somebody else was first. The application's own column, where it was one.
    Taken(Option<&'static ColumnDef>),
    /// The table takes no such value of the client's.
    Unfit(Unfit),
}

/// A change to one account by the application or a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountChange {
    /// Enables or disables the account; disabling ends its sessions and refresh families in the same transaction.
    Active(bool),
    /// Grants or withdraws superuser.
    Superuser(bool),
    /// Marks what the account is recovered by proven or not.
    Verified(bool),
}

/// A new password for an account.
#[derive(Debug)]
pub struct PasswordChange<'a, K> {
    /// Whose.
    pub user: &'a K,
    /// The hash that was verified: if the row holds another by now, nothing happens.
    pub old: Option<&'a PasswordHash>,
    /// The new hash.
    pub new: &'a PasswordHash,
    /// Raise the epoch and end the account's sessions, all but this one, which is bound to the new epoch, and all its refresh
    /// families.
    pub evict: Option<Evict>,
    /// Tells the owner, where messages go out.
    pub notice: Option<&'a Job<K>>,
    /// Now.
    pub now: Timestamp,
}

/// Which sessions a password change ends.
#[derive(Debug, Clone, Copy)]
pub struct Evict {
    /// The session that made the change, if one did.
    pub keep: Option<Digest>,
    /// A new id and CSRF digest for it, where the application asks for rotation.
    pub rotate: Option<(Digest, Option<Digest>)>,
}

/// The application's account table.
pub trait Users<U: AuthUser>: Send + Sync {
    /// The account whose `field` holds exactly `value`.
    fn by_login<'a>(
        &'a self,
        field: LoginField,
        value: &'a str,
    ) -> BoxFuture<'a, Result<Option<U>>>;
    /// The account that is recovered by exactly `value`.
    fn by_factor<'a>(&'a self, value: &'a str) -> BoxFuture<'a, Result<Option<U>>>;
    /// The account with this key.
    fn by_id<'a>(&'a self, id: &'a U::Id) -> BoxFuture<'a, Result<Option<U>>>;
    /// Which values are in use. `folded` is the user name under NFKC and case folding.
    fn taken<'a>(
        &'a self,
        email: Option<&'a str>,
        username: Option<&'a str>,
        folded: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Taken>>;
    /// Inserts the row, links the identity that it comes from, reserves its folded user name, and leaves `message` for the
    /// worker, in the new account's name, in one transaction.
    fn insert<'a>(
        &'a self,
        new: NewAccount<U>,
        folded: Option<&'a str>,
        message: Option<Job<U::Id>>,
        identity: Option<NewIdentity<'a>>,
    ) -> BoxFuture<'a, Result<Inserted<U::Id>>>;
    /// Replaces a hash that has just been verified by one with today's parameters. False when the row holds another hash.
    fn rehash<'a>(
        &'a self,
        id: &'a U::Id,
        old: &'a PasswordHash,
        new: &'a PasswordHash,
    ) -> BoxFuture<'a, Result<bool>>;
    /// Stores a new password. False when the row no longer holds `old`, or the calling session has ended.
    fn set_password<'a>(&'a self, change: PasswordChange<'a, U::Id>)
    -> BoxFuture<'a, Result<bool>>;
    /// Changes one account. False when there is none with this key.
    fn change<'a>(
        &'a self,
        id: &'a U::Id,
        change: AccountChange,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<bool>>;
    /// Deletes the account with its sessions, elevations, refresh families, identities, links, messages and reserved
    /// name. False when
    /// there is none with this key.
    fn delete<'a>(&'a self, id: &'a U::Id) -> BoxFuture<'a, Result<bool>>;
}

/// The counters one sign-in attempt touches. Digests, so that no identifier or address is written down.
#[derive(Debug, Clone)]
pub struct Buckets {
    /// The client address.
    pub address: Digest,
    /// The account, or the slot of an unknown identifier.
    pub account: Digest,
    /// Address and account together.
    pub pair: Digest,
    /// The browser, where a device cookie of this account came along: then only this budget can refuse.
    pub device: Option<Digest>,
}

/// Whether an attempt may go on to the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reservation {
    /// A place is held; it must be settled.
    Granted,
    /// Locked.
    Locked(Lock),
    /// The budget is not spent, but every place left is held by an attempt in flight.
    InFlight,
}

/// A refusal, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lock {
    /// When it ends.
    pub until: Timestamp,
    /// The counters that refuse: everybody who waits for one of them is refused too, and nobody else.
    pub address: bool,
    /// The account's, or the browser's where a device cookie came along.
    pub account: bool,
}

/// What became of a reserved attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// The password was wrong.
    Failed,
    /// It was right: clears what the account caused.
    Succeeded {
        /// Whether the address gets back the failures which this account caused.
        clear_address: bool,
    },
    /// The password was never looked at.
    Released,
}

/// Budgets for failed sign-ins.
pub trait Attempts: Send + Sync {
    /// Counts an attempt before the password is checked (SEC-034), or refuses it, in one transaction.
    fn reserve<'a>(
        &'a self,
        buckets: &'a Buckets,
        policy: &'a LockoutPolicy,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Reservation>>;
    /// Ends a reservation.
    fn settle<'a>(&'a self, buckets: &'a Buckets, outcome: Settlement)
    -> BoxFuture<'a, Result<()>>;
    /// Adds one failure to the account's run without touching its lock, before a password is looked at by a door with
    /// a budget of its own (SEC-035). False when the run has reached `hard_stop` (SEC-037).
    fn count_failure<'a>(
        &'a self,
        account: &'a Digest,
        hard_stop: u32,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<bool>>;
    /// Takes that failure back: the password was right, or was never looked at.
    fn forgive<'a>(&'a self, account: &'a Digest) -> BoxFuture<'a, Result<()>>;
    /// Forgets the account's failures, lock and run.
    fn clear<'a>(&'a self, account: &'a Digest) -> BoxFuture<'a, Result<()>>;
}

/// Fixed-window limits.
pub trait Limits: Send + Sync {
    /// Counts one request and returns the count in the present window.
    fn hit<'a>(
        &'a self,
        key: &'a Digest,
        limit: Limit,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<u64>>;
    /// The count in the present window, without counting.
    fn hits<'a>(
        &'a self,
        key: &'a Digest,
        limit: Limit,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<u64>>;
}

/// One way in which the live account table is not what the struct says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What, and how to mend it.
    pub text: String,
    /// It is about keys that are given out again: the one difference that an application may accept.
    pub reused_ids: bool,
}

impl From<String> for Difference {
    fn from(text: String) -> Self {
        Self {
            text,
            reused_ids: false,
        }
    }
}

/// Tables and their upkeep.
pub trait Maintenance: Send + Sync {
    /// Creates or upgrades our own tables; safe to run from many processes at once.
    fn migrate(&self) -> BoxFuture<'_, Result<()>>;
    /// Creates the application's table if there is none.
    fn create_users(&self) -> BoxFuture<'_, Result<()>>;
    /// Reserves the folded user names of accounts that were not made here: imported ones, or the application's own.
    fn reserve_names(&self) -> BoxFuture<'_, Result<()>>;
    /// What keeps the tables of crudauth from being used; every obstacle is one line.
    fn verify_own_tables(&self) -> BoxFuture<'_, Result<Vec<Difference>>>;
    /// Compares the live account table with the struct; every difference is one line. `moves`: addresses are changed.
    fn verify_schema(&self, moves: bool) -> BoxFuture<'_, Result<Vec<Difference>>>;
    /// Takes the turn to sweep, which lasts for `turn`. False while somebody else has it: of all authorities on these
    /// tables, in whatever processes, one sweeps at a time.
    fn take_turn(&self, now: Timestamp, turn: Duration) -> BoxFuture<'_, Result<bool>>;
    /// Deletes at most `batch` expired rows from each of our tables and returns how many went.
    fn sweep(&self, now: Timestamp, batch: u32) -> BoxFuture<'_, Result<u64>>;
    /// Reaches the database and back.
    fn ping(&self) -> BoxFuture<'_, Result<()>>;
    /// Closes the pool.
    fn close(&self) -> BoxFuture<'_, ()>;
}
