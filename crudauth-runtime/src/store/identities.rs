//! Accounts at somebody else's by which one signs in.

use futures_util::future::BoxFuture;
use sha2::{Digest as _, Sha256};

use super::Digest;
use super::outbox::Job;
use crate::account::AuthUser;
use crate::clock::Timestamp;
use crate::crypto::PasswordHash;
use crate::error::Result;

/// Somebody as a provider knows them, about to be written.
#[derive(Debug, Clone, Copy)]
pub struct NewIdentity<'a> {
    /// What names it: [`identity_id`].
    pub id: &'a Digest,
    /// The provider, as the block names it.
    pub provider: &'a str,
    /// Who vouches.
    pub issuer: &'a str,
    /// Whom the issuer means.
    pub subject: &'a str,
    /// The address there, for the owner to tell one from another.
    pub email: Option<&'a str>,
    /// The provider's tokens, encrypted, where they are kept.
    pub tokens: Option<&'a str>,
    /// Now.
    pub now: Timestamp,
}

/// What names an identity: issuer and subject, and nothing that can change (OpenID Connect Core §5.7).
#[must_use]
pub fn identity_id(issuer: &str, subject: &str) -> Digest {
    digest(["crudauth identity", issuer, subject])
}

/// What names one that a column holds, where no issuer stands beside the subject.
#[must_use]
pub fn subject_id(provider: &str, subject: &str) -> Digest {
    digest(["crudauth subject", provider, subject])
}

fn digest(parts: [&str; 3]) -> Digest {
    let mut hash = Sha256::new();
    for part in parts {
        // Lengths first, so that no two lists are one text.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// An identity as its owner sees it.
#[derive(Debug, Clone)]
pub struct IdentityRow {
    /// What names it.
    pub id: Digest,
    /// The provider, as the block named it.
    pub provider: String,
    /// The address there.
    pub email: Option<String>,
    /// When it was linked; a column of the application's own does not say.
    pub created_at: Option<Timestamp>,
    /// When it last opened the account; likewise.
    pub last_used_at: Option<Timestamp>,
}

/// Why an identity may be linked to an account that exists. Each is judged again inside the transaction.
#[derive(Debug, Clone, Copy)]
pub enum Ground<'a> {
    /// Provider and account have both proven this address.
    Proven {
        /// The account's address.
        email: &'a str,
    },
    /// The provider has proven this address, and nobody has proven the account's: whoever made it may not own it. Nothing of
    /// what was set up stays (SEC-106).
    Claim {
        /// The account's address.
        email: &'a str,
        /// What takes the password's place.
        unusable: &'a PasswordHash,
    },
    /// The owner asks for it, signed in.
    Owner {
        /// The account's epoch when that was proven.
        token_version: i64,
    },
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attached {
    /// It is linked.
    Done,
    /// The account is not what it was: disabled, moved, proven by now.
    Stale,
    /// The account has another identity of this provider: only its owner may add a second, and a column holds no second.
    Occupied,
    /// The identity is linked to another account.
    Taken,
    /// The application's column does not take the subject.
    Unfit,
}

/// An identity that is about to be removed.
#[derive(Debug, Clone, Copy)]
pub struct Removal<'a> {
    /// What names it.
    pub id: &'a Digest,
    /// The providers by which one can sign in, and the issuer of those that have one.
    pub declared: &'a [(&'a str, Option<&'a str>)],
    /// Now.
    pub now: Timestamp,
}

/// What became of an identity that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detached {
    /// It is gone.
    Done,
    /// The account has none of this name.
    Missing,
    /// Without it nobody could sign in any more.
    Last,
}

/// Identities.
pub trait Identities<U: AuthUser>: Send + Sync {
    /// The account that the identity opens.
    fn by_identity<'a>(&'a self, identity: NewIdentity<'a>) -> BoxFuture<'a, Result<Option<U>>>;
    /// Records that it did, and its present address and tokens there.
    fn use_identity<'a>(&'a self, identity: NewIdentity<'a>) -> BoxFuture<'a, Result<()>>;
    /// Links an identity to an account that exists, in one transaction with all that follows from the ground, and with what tells
    /// the owner.
    fn attach<'a>(
        &'a self,
        user: &'a U::Id,
        identity: NewIdentity<'a>,
        ground: Ground<'a>,
        notice: Option<&'a Job<U::Id>>,
    ) -> BoxFuture<'a, Result<Attached>>;
    /// The account's identities, the oldest first; then those of its own columns.
    fn identities<'a>(&'a self, user: &'a U::Id) -> BoxFuture<'a, Result<Vec<IdentityRow>>>;
    /// The tokens of the account's identity of this provider that was last used, and what names it.
    fn kept_tokens<'a>(
        &'a self,
        user: &'a U::Id,
        provider: &'a str,
    ) -> BoxFuture<'a, Result<Option<(Digest, String)>>>;
    /// Removes one of them, unless nobody could sign in without it.
    fn detach<'a>(
        &'a self,
        user: &'a U::Id,
        removal: Removal<'a>,
    ) -> BoxFuture<'a, Result<Detached>>;
}
