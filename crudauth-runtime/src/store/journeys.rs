//! Journeys of a browser to a provider and back, and the codes in which some of them end.

use futures_util::future::BoxFuture;

use super::Digest;
use crate::account::AuthUser;
use crate::clock::Timestamp;
use crate::error::Result;

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

/// A code that can be redeemed.
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

/// Journeys to a provider.
pub trait Journeys<U: AuthUser>: Send + Sync {
    /// Remembers a browser that is being sent away.
    fn keep_state<'a>(&'a self, state: NewState<'a, U::Id>) -> BoxFuture<'a, Result<()>>;
    /// Adds what the provider said beside the code, once.
    fn amend_state<'a>(&'a self, id: &'a Digest, said: &'a str) -> BoxFuture<'a, Result<()>>;
    /// Forgets it and says what it was, in one statement: of any number of callers one is told (SEC-100). Expired ones are
    /// returned too: the flow judges.
    fn take_state<'a>(&'a self, id: &'a Digest) -> BoxFuture<'a, Result<Option<StateRow>>>;
    /// Remembers a code.
    fn keep_code<'a>(&'a self, code: NewCode<'a, U::Id>) -> BoxFuture<'a, Result<()>>;
    /// What it was given for, and to whom. Expired ones are returned too.
    fn code<'a>(&'a self, id: &'a Digest) -> BoxFuture<'a, Result<Option<(CodeRow, U)>>>;
    /// Forgets it. Of any number of callers, those who open a family for it among them, one is told true.
    fn spend_code<'a>(&'a self, id: &'a Digest) -> BoxFuture<'a, Result<bool>>;
}
