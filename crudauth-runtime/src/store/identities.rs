//! Accounts at somebody else's by which one signs in, and the journeys there.

use futures_util::future::BoxFuture;

use super::Digest;
use super::outbox::Job;
use crate::account::AuthUser;
use crate::clock::Timestamp;
use crate::crypto::PasswordHash;
use crate::error::Result;

/// Somebody as a provider knows them, about to be written.
#[derive(Debug, Clone, Copy)]
pub struct NewIdentity<'a> {
    /// What names it: a digest of issuer and subject.
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

/// An identity as its owner sees it.
#[derive(Debug, Clone)]
pub struct IdentityRow {
    /// What names it.
    pub id: Digest,
    /// The provider, as the block named it.
    pub provider: String,
    /// The address there.
    pub email: Option<String>,
    /// When it was linked.
    pub created_at: Timestamp,
    /// When it last opened the account.
    pub last_used_at: Timestamp,
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
    /// The account has another identity of this provider, and only its owner may add a second.
    Occupied,
    /// The identity is linked to another account.
    Taken,
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

/// What a journey to a provider is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Journey {
    /// Signing in.
    SignIn,
    /// Linking an identity to the account that is signed in.
    Link,
    /// Signing in to an app or a page of another site, which redeems a code for tokens.
    Exchange,
}

impl Journey {
    /// As the row says it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Link => "link",
            Self::Exchange => "exchange",
        }
    }

    /// What a row says.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::SignIn, Self::Link, Self::Exchange]
            .into_iter()
            .find(|journey| journey.name() == name)
    }
}

/// What the app wants that sent a browser.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The challenge that its verifier answers (RFC 7636).
    pub challenge: &'a str,
    /// The scopes that it asks for.
    pub scopes: Option<&'a str>,
}

/// A browser that is about to be sent to a provider.
#[derive(Debug)]
pub struct NewState<'a, K> {
    /// Keyed digest of the state.
    pub id: Digest,
    /// Where it is sent, as the block names it.
    pub provider: &'a str,
    /// What for.
    pub journey: Journey,
    /// Who asks, for a link, and in which session.
    pub owner: Option<(&'a K, &'a Digest)>,
    /// The page that it comes back to.
    pub redirect_to: Option<&'a str>,
    /// Whether the session is to outlive the browser.
    pub remember: bool,
    /// What the app wants, for an exchange.
    pub wish: Option<Wish<'a>>,
    /// Now.
    pub now: Timestamp,
    /// Dead from this instant on.
    pub expires_at: Timestamp,
}

/// A browser that has come back.
#[derive(Debug, Clone)]
pub struct StateRow {
    /// Where it was sent.
    pub provider: String,
    /// What for.
    pub journey: Journey,
    /// The session that asked for a link.
    pub session: Option<Digest>,
    /// The page that it comes back to.
    pub redirect_to: Option<String>,
    /// Whether the session is to outlive the browser.
    pub remember: bool,
    /// The app's challenge, for an exchange.
    pub challenge: Option<String>,
    /// The scopes that it asks for.
    pub scopes: Option<String>,
    /// What the provider said of the person beside the code.
    pub said: Option<String>,
    /// Dead from this instant on.
    pub expires_at: Timestamp,
}

/// A code that is about to be told to an app.
#[derive(Debug)]
pub struct NewCode<'a, K> {
    /// Keyed digest of the code.
    pub id: Digest,
    /// Who has signed in.
    pub user: &'a K,
    /// The account's epoch at that moment.
    pub token_version: i64,
    /// By which provider.
    pub provider: &'a str,
    /// What the app set out with.
    pub wish: Wish<'a>,
    /// Now.
    pub now: Timestamp,
    /// Dead from this instant on.
    pub expires_at: Timestamp,
}

/// A code that has been spent.
#[derive(Debug, Clone)]
pub struct CodeRow {
    /// The account's epoch when it signed in.
    pub token_version: i64,
    /// The app's challenge.
    pub challenge: String,
    /// The scopes that it asked for.
    pub scopes: Option<String>,
    /// Dead from this instant on.
    pub expires_at: Timestamp,
}

/// Identities, and the journeys that end in one.
pub trait Identities<U: AuthUser>: Send + Sync {
    /// The account that the identity opens.
    fn by_identity<'a>(&'a self, id: &'a Digest) -> BoxFuture<'a, Result<Option<U>>>;
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
    /// The account's identities, the oldest first.
    fn identities<'a>(&'a self, user: &'a U::Id) -> BoxFuture<'a, Result<Vec<IdentityRow>>>;
    /// The tokens of the account's identity of this provider that was last used, and what names it.
    fn kept_tokens<'a>(
        &'a self,
        user: &'a U::Id,
        provider: &'a str,
    ) -> BoxFuture<'a, Result<Option<(Digest, String)>>>;
    /// Removes one of them, unless nobody could sign in without it.
    fn detach<'a>(&'a self, user: &'a U::Id, id: &'a Digest) -> BoxFuture<'a, Result<Detached>>;
    /// Remembers a browser that is being sent away.
    fn keep_state<'a>(&'a self, state: NewState<'a, U::Id>) -> BoxFuture<'a, Result<()>>;
    /// Adds what the provider said beside the code, once.
    fn amend_state<'a>(&'a self, id: &'a Digest, said: &'a str) -> BoxFuture<'a, Result<()>>;
    /// Forgets it and says what it was, in one statement: of any number of callers one is told (SEC-100). Expired ones are
    /// returned too: the flow judges.
    fn take_state<'a>(&'a self, id: &'a Digest) -> BoxFuture<'a, Result<Option<StateRow>>>;
    /// Remembers a code.
    fn keep_code<'a>(&'a self, code: NewCode<'a, U::Id>) -> BoxFuture<'a, Result<()>>;
    /// Forgets it, and says what it was and whose: of any number of callers one is told. Expired ones are returned too.
    fn take_code<'a>(&'a self, id: &'a Digest) -> BoxFuture<'a, Result<Option<(CodeRow, U)>>>;
}
