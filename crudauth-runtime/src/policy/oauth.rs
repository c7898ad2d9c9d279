//! `#[oauth(…)]`, as plain values.

use std::time::Duration;

/// `#[oauth(…)]`: signing in with an account at somebody else's.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct OAuthPolicy {
    /// The declared providers.
    pub providers: &'static [ProviderPolicy],
    /// Answer in JSON where a browser would be redirected. Off.
    pub json: bool,
    /// Where a browser lands that asked for no other page, and where failures are told. `/`.
    pub default_redirect: &'static str,
    /// Where an app or a page of another site takes up a one-time code for tokens; each is matched exactly, but for the
    /// port of one on this machine that has none. None.
    pub exchange: &'static [&'static str],
    /// Where the routes are.
    pub paths: OAuthPaths,
    /// Keep what a provider gives, encrypted, for the application's own calls there. Off.
    pub keep_tokens: bool,
    /// How long a browser may stay away at the provider. 10 minutes.
    pub state_ttl: Duration,
}

impl OAuthPolicy {
    /// What `#[oauth]` means, but for its providers.
    pub const DEFAULT: Self = Self {
        providers: &[],
        json: false,
        default_redirect: "/",
        exchange: &[],
        paths: OAuthPaths::DEFAULT,
        keep_tokens: false,
        state_ttl: Duration::from_mins(10),
    };
}

/// Where the routes of `#[oauth(…)]` are, in the router's syntax. The macro sees to it that no two of them, and none of another
/// feature's, can be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OAuthPaths {
    /// Where a browser sets out for a provider. `/oauth/{provider}/authorize`.
    pub authorize: &'static str,
    /// Where a provider sends it back. `/oauth/{provider}/callback`.
    pub callback: &'static str,
    /// Where somebody who is signed in links an account. `/oauth/{provider}/link`.
    pub link: &'static str,
    /// One's own accounts at providers. `/oauth/identities`.
    pub identities: &'static str,
    /// One of them. `/oauth/identities/{id}`.
    pub identity: &'static str,
    /// Where an app redeems a one-time code. `/oauth/token`.
    pub token: &'static str,
}

impl OAuthPaths {
    /// What leaving `paths(…)` out means.
    pub const DEFAULT: Self = Self {
        authorize: "/oauth/{provider}/authorize",
        callback: "/oauth/{provider}/callback",
        link: "/oauth/{provider}/link",
        identities: "/oauth/identities",
        identity: "/oauth/identities/{id}",
        token: "/oauth/token",
    };
}

/// One provider of `#[oauth(…)]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderPolicy {
    /// As the paths name it.
    pub name: &'static str,
    /// What it speaks.
    pub kind: ProviderKind,
    /// Whether its word for an address counts: `google(trusted = false)` neither makes accounts nor links any by address. On.
    pub trusted: bool,
}

/// What a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProviderKind {
    /// `google`
    Google,
    /// `github`
    GitHub,
    /// `microsoft`
    Microsoft,
    /// `apple`
    Apple,
    /// `gitlab`
    GitLab,
    /// `discord`
    Discord,
    /// `oidc("name")`: any `OpenID` provider that publishes its metadata.
    Oidc,
    /// `provider("name")`: the application says what it is.
    Own,
}
