//! Providers of plain OAuth 2.0: who signed in is what their API says.

use std::fmt;

use serde_json::Value;
use url::Url;

use super::http::Caller;
use super::{BoxFuture, Failure, Profile};

/// A provider of plain OAuth 2.0 that crudauth does not know, for `provider("name")`.
///
/// One that publishes `/.well-known/openid-configuration` is declared as `oidc("name")` and needs no code.
///
/// ```
/// # use crudauth_runtime as crudauth;
/// use crudauth::oauth::{Api, BoxFuture, Endpoints, Failure, OAuthProvider, Profile};
/// use serde_json::Value;
///
/// struct Forge;
///
/// impl OAuthProvider for Forge {
///     fn endpoints(&self) -> Endpoints {
///         Endpoints {
///             authorize: "https://forge.example.com/oauth/authorize".to_owned(),
///             token: "https://forge.example.com/oauth/token".to_owned(),
///             userinfo: "https://api.forge.example.com/me".to_owned(),
///         }
///     }
///
///     fn scopes(&self) -> &[&str] {
///         &["profile", "email"]
///     }
///
///     fn profile<'a>(&'a self, me: Value, api: &'a Api<'a>) -> BoxFuture<'a, Result<Profile, Failure>> {
///         Box::pin(async move {
///             let id = me["id"].as_u64().ok_or(Failure::new("no id"))?;
///             let mail = api.get("https://api.forge.example.com/me/email").await?;
///             let mut profile = api.profile(id.to_string());
///             profile.username = me["login"].as_str().map(str::to_owned);
///             profile.email = mail["address"].as_str().map(str::to_owned);
///             profile.email_verified = mail["proven"] == true;
///             Ok(profile)
///         })
///     }
/// }
/// ```
///
/// # Security
/// The subject is whatever never changes and is never given to somebody else: a number, not a login name. `email_verified` makes
/// an account's owner of whoever holds the address there: it is `true` only if the provider has seen it proven.
pub trait OAuthProvider: Send + Sync + 'static {
    /// Where it is. Asked once, at start.
    fn endpoints(&self) -> Endpoints;

    /// The scopes that are asked for unless the credentials name others.
    fn scopes(&self) -> &[&str];

    /// Who vouches: what the parameter `iss` of its answers must be where there is one, and the issuer of its profiles. The
    /// origin of [`Endpoints::authorize`] if this gives `None`.
    fn issuer(&self) -> Option<String> {
        None
    }

    /// Whether the client secret goes into the header (HTTP Basic), not into the form.
    fn authenticates_by_basic(&self) -> bool {
        false
    }

    /// What `userinfo` says, as a profile.
    ///
    /// # Errors
    /// [`Failure`] if it identifies nobody.
    fn profile<'a>(
        &'a self,
        userinfo: Value,
        api: &'a Api<'a>,
    ) -> BoxFuture<'a, Result<Profile, Failure>>;
}

/// The three URLs of a provider: `https`, or on loopback.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// Where the browser goes.
    pub authorize: String,
    /// Where a code is exchanged for a token.
    pub token: String,
    /// Where the token tells whose it is, as JSON.
    pub userinfo: String,
}

/// Further calls to a provider, with the access token that it gave.
pub struct Api<'a> {
    pub(super) caller: &'a Caller,
    pub(super) token: &'a str,
    pub(super) issuer: &'a str,
}

impl Api<'_> {
    /// The JSON at `url`, which is one of the provider's: the access token goes there.
    ///
    /// # Errors
    /// [`Failure`] if the answer is not 200 with JSON.
    pub async fn get(&self, url: &str) -> Result<Value, Failure> {
        let url = Url::parse(url).map_err(|_| Failure::new("the API has no such URL"))?;
        self.caller.json(&url, Some(self.token)).await
    }

    /// A profile of this provider that says no more than who it is.
    #[must_use]
    pub fn profile(&self, subject: impl Into<String>) -> Profile {
        Profile::new(self.issuer, subject)
    }
}

impl fmt::Debug for Api<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}
