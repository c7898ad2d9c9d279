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
        keep_tokens: false,
        state_ttl: Duration::from_mins(10),
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
