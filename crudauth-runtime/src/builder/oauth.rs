//! What a builder is given for `#[oauth(…)]`.

use super::providers::{
    After, AfterOidc, AfterOwn, AfterUrl, Awaits, AwaitsOidc, AwaitsOwn, SignsInElsewhere, word,
};
use super::{Builder, Wiring};
use crate::authority::Authority;
use crate::oauth::{Credentials, HttpClient, OAuthProvider};
use crate::policy::ProviderKind;

macro_rules! built_in {
    ($($method:ident, $kind:ident, $doc:literal;)*) => {
        impl<A: Authority, H, M, C, K, O> Builder<A, Wiring<H, M, C, K, O>> {
            $(
                #[doc = $doc]
                pub fn $method<I>(
                    mut self,
                    credentials: Credentials,
                ) -> Builder<A, Wiring<H, M, C, K, O::Rest>>
                where
                    O: After<word::$method, I> + Awaits<word::$method, I>,
                {
                    let name = stringify!($method);
                    self.settings.oauth.register(ProviderKind::$kind, name, credentials);
                    self.wired()
                }
            )*
        }
    };
}

built_in! {
    google, Google, "What Google gave the application: an OAuth client of the type *web application*.";
    github, GitHub, "What GitHub gave the application: an OAuth app, or a GitHub app that may read e-mail addresses.";
    microsoft, Microsoft, "What Microsoft gave the application. Everybody with an account there may sign in, unless [`Credentials::issuer`] names one tenant.";
    apple, Apple, "What Apple gave the application, as [`Credentials::apple`].";
    gitlab, GitLab, "What GitLab gave the application; [`Credentials::issuer`] names an installation of one's own.";
    discord, Discord, "What Discord gave the application.";
}

impl<A: Authority, H, M, C, K, O> Builder<A, Wiring<H, M, C, K, O>> {
    /// The URL under which `auth.router()` is mounted, as browsers see it, such as `https://app.example.com` or
    /// `https://app.example.com/auth`. Providers send people back to `{public_url}/oauth/{provider}/callback`, or to where
    /// `paths(callback = "…")` of the block says, and to no other page; register that URL with them. It is never taken from a
    /// request. Called again, it replaces the former.
    pub fn public_url(mut self, url: impl Into<String>) -> Builder<A, Wiring<H, M, C, K, O::With>>
    where
        O: AfterUrl + SignsInElsewhere,
    {
        self.settings.oauth.public_url(url);
        self.wired()
    }

    /// What an OpenID provider gave the application, for the `oidc("…")` of that name in the block, with its
    /// [`Credentials::issuer`]. Once for each.
    pub fn oidc(
        mut self,
        name: impl Into<String>,
        credentials: Credentials,
    ) -> Builder<A, Wiring<H, M, C, K, O::Rest>>
    where
        O: AfterOidc + AwaitsOidc,
    {
        let kind = ProviderKind::Oidc;
        self.settings.oauth.register(kind, name, credentials);
        self.wired()
    }

    /// What a provider is that crudauth does not know, and what it gave the application, for the `provider("…")` of that name in
    /// the block. Once for each.
    pub fn provider(
        mut self,
        name: impl Into<String>,
        provider: impl OAuthProvider,
        credentials: Credentials,
    ) -> Builder<A, Wiring<H, M, C, K, O::Rest>>
    where
        O: AfterOwn + AwaitsOwn,
    {
        let oauth = &mut self.settings.oauth;
        oauth.register_own(name, provider, credentials);
        self.wired()
    }

    /// What makes the calls to providers in place of the client that is built in: for a proxy, for tests.
    ///
    /// # Security
    /// The built-in client follows no redirects, asks no private addresses, and neither waits nor reads for long. Another one has
    /// to see to that itself.
    pub fn oauth_http_client(mut self, client: impl HttpClient) -> Self
    where
        O: SignsInElsewhere,
    {
        self.settings.oauth.http_client(client);
        self
    }
}
