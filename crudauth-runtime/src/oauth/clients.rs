//! The declared providers, ready to be asked.

use std::fmt;
use std::time::Duration;

use super::check;
use super::http::Caller;
use super::openid::OpenId;
use super::plain::Plain;
use super::secret::Prover;
use super::{Failure, Profile, Settings};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::policy::{OAuthPolicy, ProviderKind, ProviderPolicy};
use crate::secret::SecretText;

/// All declared providers of an authority.
pub struct Clients {
    public_url: String,
    all: Vec<Client>,
}

/// One declared provider.
pub(crate) struct Client {
    pub(super) policy: &'static ProviderPolicy,
    pub(super) prover: Prover,
    pub(super) scopes: Vec<String>,
    pub(super) speaks: Speaks,
    pub(super) caller: Caller,
}

/// What a provider speaks.
pub(super) enum Speaks {
    OpenId(Box<OpenId>),
    Plain(Box<Plain>),
}

/// What a browser takes to the provider.
pub(crate) struct Ask<'a> {
    pub(crate) state: &'a str,
    /// The PKCE verifier, of which the digest goes along.
    pub(crate) verifier: &'a str,
    /// For `OpenID` providers only.
    pub(crate) nonce: &'a str,
    pub(crate) redirect_uri: &'a str,
}

/// What a browser brought back, and what it had been given.
pub(crate) struct Answer<'a> {
    pub(crate) code: &'a str,
    /// The parameter `iss` (RFC 9207).
    pub(crate) issuer: Option<&'a str>,
    pub(crate) verifier: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) redirect_uri: &'a str,
    /// The form field `user` (Sign in with Apple).
    pub(crate) user: Option<&'a str>,
}

/// Whom a provider vouches for.
#[derive(Debug)]
pub(crate) struct Identified {
    pub(crate) profile: Profile,
    pub(crate) tokens: ProviderTokens,
}

/// What a provider gave in exchange for the code.
#[derive(Debug)]
pub(crate) struct ProviderTokens {
    pub(crate) access: SecretText,
    pub(crate) refresh: Option<SecretText>,
    pub(crate) expires_in: Option<Duration>,
    pub(crate) id_token: Option<SecretText>,
}

impl Clients {
    /// The providers that `policy` declares, with what the application said of them.
    ///
    /// # Errors
    /// [`Error::Config`](crate::error::Error::Config) with every mistake.
    pub fn new(policy: &OAuthPolicy, settings: Settings) -> Result<Self> {
        let (public_url, all) = check::clients(policy, settings).map_err(Error::Config)?;
        Ok(Self { public_url, all })
    }

    /// Each of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Client> {
        self.all.iter()
    }

    /// The provider of that name.
    pub(crate) fn find(&self, name: &str) -> Option<&Client> {
        self.all.iter().find(|client| client.name() == name)
    }

    /// The URL under which the router is mounted, without a slash at the end.
    pub(crate) fn public_url(&self) -> &str {
        &self.public_url
    }
}

impl Client {
    pub(crate) const fn policy(&self) -> &'static ProviderPolicy {
        self.policy
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.policy.name
    }

    /// Whether it signs in for several issuers, each with subjects of its own.
    pub(crate) fn has_many_issuers(&self) -> bool {
        matches!(&self.speaks, Speaks::OpenId(openid) if openid.issuer.stands_for_many())
    }

    /// The issuer of everybody whom it signs in, where there is one. A provider of the application's own may name any.
    pub(crate) fn issuer(&self) -> Option<&str> {
        match &self.speaks {
            Speaks::OpenId(openid) => (!self.has_many_issuers()).then(|| openid.issuer.declared()),
            Speaks::Plain(plain) => (self.policy.kind != ProviderKind::Own).then(|| plain.issuer()),
        }
    }

    /// Whether the browser comes back with a form, and with it no cookie of ours that is `SameSite=Lax`
    /// (`response_mode=form_post`).
    pub(crate) fn answers_by_post(&self) -> bool {
        self.policy.kind == ProviderKind::Apple
    }

    /// Where the browser goes.
    ///
    /// # Errors
    /// [`Failure`] if the provider does not say where.
    pub(crate) async fn authorize(&self, now: Timestamp, ask: &Ask<'_>) -> Result<String, Failure> {
        let who = (&self.prover, self.scopes.as_slice());
        match &self.speaks {
            Speaks::OpenId(openid) => openid.authorize(&self.caller, who, now, ask).await,
            Speaks::Plain(plain) => plain.authorize(who, ask),
        }
    }

    /// Who came back.
    ///
    /// # Errors
    /// [`Failure`] if the provider vouches for nobody.
    pub(crate) async fn identify(
        &self,
        now: Timestamp,
        answer: &Answer<'_>,
    ) -> Result<Identified, Failure> {
        let (caller, prover) = (&self.caller, &self.prover);
        match &self.speaks {
            Speaks::OpenId(openid) => openid.identify(caller, prover, now, answer).await,
            Speaks::Plain(plain) => plain.identify(caller, prover, now, answer).await,
        }
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.all.iter().map(Client::name))
            .finish()
    }
}
