//! What may be written, and how it is read.

use darling::FromMeta;
use darling::util::SpannedValue;
use proc_macro2::TokenStream;
use quote::quote;
use syn::Lit;

use super::paths::{self, Paths};
use super::target::Targets;
use crate::diag::nearest;
use crate::read::link::{Bounds, LinkTtl, page_path};
use crate::read::section::Key;
use crate::read::value::{Literal, Switch, from_literal, text};

pub(super) const KEYS: &[Key] = &[
    provider("google", "Google."),
    provider("github", "GitHub."),
    provider(
        "microsoft",
        "Microsoft: work, school and personal accounts.",
    ),
    provider("apple", "Apple."),
    provider("gitlab", "GitLab, theirs or an installation of one's own."),
    provider("discord", "Discord."),
    provider(
        "oidc",
        "Any OpenID provider that publishes its metadata: `oidc(\"sso\")`; may be written again with another name.",
    ),
    provider(
        "provider",
        "Any other, of which the application says what it is: `provider(\"linkedin\")`; may be written again with another name.",
    ),
    Key::new(
        "response",
        "\"redirect\" or \"json\"",
        "\"redirect\"",
        "Whether a browser is sent on, or a page's script is told in JSON where to go.",
    ),
    Key::new(
        "default_redirect",
        "path",
        "\"/\"",
        "Where a browser lands that asked for no other page, and where failures are told, in the query.",
    ),
    Key::new(
        "exchange",
        "URLs in parentheses",
        "none",
        "Where apps, and pages of other sites, take up a one-time code that `POST /oauth/token` redeems for tokens; each is matched exactly, but `http://127.0.0.1/…` without a port takes any. It needs `#[bearer]`.",
    ),
    Key::group("paths", "Where the routes are.", paths::KEYS),
    Key::new(
        "keep_tokens",
        "switch",
        "off",
        "Keeps what a provider gives, encrypted, for calls of the application's own: `auth.oauth().tokens(…)`.",
    ),
    Key::new(
        "state_ttl",
        "lifetime",
        "\"10m\"",
        "How long a browser may stay away at the provider: 1 to 10 minutes.",
    ),
];

/// What may stand in the parentheses of a provider, behind its name.
pub(super) const OPTIONS: &[Key] = &[Key::new(
    "trusted",
    "switch",
    "on",
    "Whether its word for an address counts.",
)];

const fn provider(name: &'static str, doc: &'static str) -> Key {
    Key::new(name, "provider", "none", doc)
}

#[derive(FromMeta, Default)]
#[darling(default)]
pub(super) struct Args {
    pub(super) response: Option<Response>,
    pub(super) default_redirect: Option<Landing>,
    pub(super) exchange: Option<SpannedValue<Targets>>,
    pub(super) paths: Paths,
    pub(super) keep_tokens: Option<SpannedValue<Switch>>,
    pub(super) state_ttl: Option<LinkTtl<Away>>,
}

#[derive(FromMeta, Default)]
#[darling(default)]
pub(super) struct Options {
    pub(super) trusted: Option<Switch>,
}

/// What a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Google,
    GitHub,
    Microsoft,
    Apple,
    GitLab,
    Discord,
    Oidc,
    Own,
}

impl Kind {
    /// Every kind and its word.
    pub(super) const ALL: [(&'static str, Self); 8] = [
        ("google", Self::Google),
        ("github", Self::GitHub),
        ("microsoft", Self::Microsoft),
        ("apple", Self::Apple),
        ("gitlab", Self::GitLab),
        ("discord", Self::Discord),
        ("oidc", Self::Oidc),
        ("provider", Self::Own),
    ];

    pub(super) fn of(word: &str) -> Option<Self> {
        let row = Self::ALL.iter().find(|(known, _)| *known == word);
        row.map(|(_, kind)| *kind)
    }

    /// Whether the block says its name.
    pub(super) fn named(self) -> bool {
        matches!(self, Self::Oidc | Self::Own)
    }

    /// The variant in the runtime.
    pub(super) fn variant(self) -> TokenStream {
        match self {
            Self::Google => quote!(Google),
            Self::GitHub => quote!(GitHub),
            Self::Microsoft => quote!(Microsoft),
            Self::Apple => quote!(Apple),
            Self::GitLab => quote!(GitLab),
            Self::Discord => quote!(Discord),
            Self::Oidc => quote!(Oidc),
            Self::Own => quote!(Own),
        }
    }
}

from_literal! { [] Response; [] Landing; }

/// How the routes answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Response {
    Redirect,
    Json,
}

impl Literal for Response {
    const KIND: &'static str = "\"redirect\" or \"json\"";
    const EXAMPLE: &'static str = "\"json\"";

    fn read(key: &str, lit: &Lit) -> Result<Self, String> {
        match text::<Self>(key, lit)?.as_str() {
            "redirect" => Ok(Self::Redirect),
            "json" => Ok(Self::Json),
            other => Err(match nearest(other, &["redirect", "json"]) {
                Some(meant) => {
                    format!("`{key}` has no value {other:?}; did you mean {meant:?}?")
                }
                None => format!("`{key}` has no value {other:?}; write {}", Self::KIND),
            }),
        }
    }
}

/// A page of this very site, for every browser; it may have a query. What is let through is kept by the runtime's
/// `safe_redirect_path` too, and nothing that a server or a browser could read in another way is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Landing(pub(super) String);

impl Literal for Landing {
    const KIND: &'static str = "the path of a page";
    const EXAMPLE: &'static str = "\"/welcome\"";

    fn read(key: &str, lit: &Lit) -> Result<Self, String> {
        let text = text::<Self>(key, lit)?;
        let fix = format!("write `{key} = {}`", Self::EXAMPLE);
        if text.contains('#') {
            return Err(format!(
                "{text:?} has a fragment, behind which no server finds why a sign-in failed; {fix}"
            ));
        }
        let (path, query) = text.split_once('?').unwrap_or((&text, ""));
        if text.len() <= LONGEST && page_path(path) && query.bytes().all(plain) {
            return Ok(Self(text));
        }
        Err(format!(
            "{text:?} is not a page of this site to every browser (open redirect); {fix}"
        ))
    }
}

/// Longest path that the runtime keeps.
const LONGEST: usize = 2048;

/// RFC 3986 §3.4.
fn plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte)
}

/// A stay at the provider.
pub(super) struct Away;

impl Bounds for Away {
    const SHORTEST: u64 = 60;
    const LONGEST: u64 = 600;
    const EXAMPLE: &'static str = "\"10m\"";
    const SHORT: &'static str =
        "is shorter than a minute, and signing in at a provider may take as long; write \"10m\"";
    const LONG: &'static str = "is longer than 10 minutes, and a sign-in that somebody else began may be finished all that time (login CSRF; RFC 9700 §4.7); write \"10m\", or less";
}
