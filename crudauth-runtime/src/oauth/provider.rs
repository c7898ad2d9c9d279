//! Providers that the application describes itself.

use std::marker::PhantomData;

use serde_json::Value;

use super::{BoxFuture, Failure, Profile};

/// A provider of plain OAuth 2.0 that crudauth does not know, for `provider("name")`.
pub trait OAuthProvider: Send + Sync + 'static {
    /// Where it is.
    fn endpoints(&self) -> Endpoints;

    /// The scopes that are asked for unless the credentials name others.
    fn scopes(&self) -> &[&str];

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

/// The three URLs of a provider.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// Where the browser goes.
    pub authorize: String,
    /// Where a code is exchanged for a token.
    pub token: String,
    /// Where the token tells whose it is.
    pub userinfo: String,
}

/// Further calls to a provider, with the access token that it gave.
#[derive(Debug)]
pub struct Api<'a>(PhantomData<&'a ()>);

impl Api<'_> {
    /// The JSON at `url`.
    ///
    /// # Errors
    /// [`Failure`] if there is none.
    #[expect(clippy::unused_async, reason = "to come")]
    pub async fn get(&self, _url: &str) -> Result<Value, Failure> {
        Err(Failure::new("to come"))
    }
}
