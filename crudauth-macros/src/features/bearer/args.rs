//! What may be written, and how it is read.

use darling::FromMeta;
use darling::util::SpannedValue;
use proc_macro2::Span;
use syn::{Ident, Lit, LitStr, Meta, Path};

use crate::diag::{nearest, spelled};
use crate::read::items::split;
use crate::read::name::{CookieName, CookiePath};
use crate::read::section::Key;
use crate::read::value::{Lifetime, Literal, Switch, Text, from_literal, text};

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "access",
        "lifetime",
        "\"15m\"",
        "How long an access token is good: 1 minute to 24 hours.",
    ),
    Key::group_or_off("refresh", "Refresh tokens.", REFRESH),
    Key::group(
        "scopes",
        "What tokens may be used for; `#[require(scope(\"…\"))]` asks for one.",
        SCOPES,
    ),
    Key::new(
        "algorithm",
        "\"HS256\", \"EdDSA\", \"ES256\" or \"RS256\"",
        "\"HS256\"",
        "How access tokens are signed. All but HS256 need the cargo feature `asymmetric`, and `.signing_keys(…)` on the builder.",
    ),
    Key::new("issuer", "text", "none", "`iss` of every token."),
    Key::new("audience", "text", "none", "`aud` of every token."),
    Key::new(
        "typ",
        "\"JWT\" or \"at+jwt\"",
        "\"JWT\"",
        "The type in the header (RFC 9068 §2.1).",
    ),
    Key::new(
        "check",
        "\"epoch\" or \"stateless\"",
        "\"epoch\"",
        "Whether `AccessToken<Auth>` may answer for a request without asking the database.",
    ),
    Key::new(
        "claims",
        "type in parentheses",
        "none",
        "What the application adds to the claims of access tokens: `claims(MyClaims)`.",
    ),
    Key::new(
        "revocation",
        "switch",
        "off",
        "Mounts `POST /token/revoke` (RFC 7009).",
    ),
    Key::new(
        "introspection",
        "switch",
        "off",
        "Mounts `POST /token/introspect` (RFC 7662).",
    ),
    Key::new(
        "jwks",
        "switch",
        "off",
        "Mounts `GET /.well-known/jwks.json` (RFC 7517).",
    ),
];

const REFRESH: &[Key] = &[
    Key::new(
        "ttl",
        "lifetime",
        "\"30d\"",
        "How long after the sign-in the last refresh token ends, however often it is used.",
    ),
    Key::new(
        "deliver",
        "\"cookie\" or \"body\"",
        "\"cookie\"",
        "How the token travels.",
    ),
    Key::new(
        "rotate",
        "switch",
        "on",
        "Whether each use replaces the token.",
    ),
    Key::new(
        "grace",
        "lifetime",
        "\"10s\"",
        "How long the token just replaced may be sent again, for the same successor: 60 seconds at most.",
    ),
    Key::new(
        "cookie",
        "cookie name",
        "\"refresh_token\"",
        "Name of the refresh cookie.",
    ),
    Key::new(
        "device_cookie",
        "cookie name",
        "the session's",
        "Name of the device cookie, without a session `device_id`.",
    ),
    Key::new("path", "path", "\"/\"", "The `Path` of the cookies."),
    Key::new(
        "same_site",
        "\"lax\", \"strict\" or \"none\"",
        "\"lax\"",
        "The `SameSite` of the cookies; with \"none\", `.origin(…)` on the builder names the pages that may use them.",
    ),
    Key::new(
        "danger_insecure_cookies",
        "switch",
        "off",
        "Drops `Secure`: anyone on the network reads the cookie (token theft).",
    ),
];

const SCOPES: &[Key] = &[
    Key::new(
        "default",
        "texts in parentheses",
        "none",
        "What a sign-in that asks for no scope is granted.",
    ),
    Key::new(
        "grantable",
        "texts in parentheses",
        "the default ones",
        "Every scope there is.",
    ),
];

#[derive(FromMeta, Default)]
#[darling(default)]
pub(super) struct Args {
    pub(super) access: Option<SpannedValue<Lifetime>>,
    pub(super) refresh: Option<Refresh>,
    pub(super) scopes: Option<SpannedValue<Scopes>>,
    pub(super) algorithm: Option<SpannedValue<Algorithm>>,
    pub(super) issuer: Option<Text>,
    pub(super) audience: Option<Text>,
    pub(super) typ: Option<Typ>,
    pub(super) check: Option<Check>,
    pub(super) claims: Option<ClaimsType>,
    pub(super) revocation: Option<SpannedValue<Switch>>,
    pub(super) introspection: Option<SpannedValue<Switch>>,
    pub(super) jwks: Option<SpannedValue<Switch>>,
}

/// `refresh(…)`, or `refresh = "off"`.
pub(super) enum Refresh {
    Off,
    On(Box<RefreshArgs>),
}

impl FromMeta for Refresh {
    fn from_meta(item: &Meta) -> darling::Result<Self> {
        match item {
            Meta::List(_) => RefreshArgs::from_meta(item).map(|args| Self::On(Box::new(args))),
            // Nothing else gets here: the section's reader knows that this group may be "off".
            Meta::Path(_) | Meta::NameValue(_) => Ok(Self::Off),
        }
    }
}

#[derive(FromMeta, Default)]
#[darling(default)]
pub(super) struct RefreshArgs {
    pub(super) ttl: Option<SpannedValue<Lifetime>>,
    pub(super) deliver: Option<SpannedValue<Deliver>>,
    pub(super) rotate: Option<SpannedValue<Switch>>,
    pub(super) grace: Option<SpannedValue<Lifetime>>,
    pub(super) cookie: Option<SpannedValue<CookieName>>,
    pub(super) device_cookie: Option<SpannedValue<CookieName>>,
    pub(super) path: Option<SpannedValue<CookiePath>>,
    pub(super) same_site: Option<SpannedValue<RefreshSameSite>>,
    pub(super) danger_insecure_cookies: Option<SpannedValue<Switch>>,
}

#[derive(FromMeta, Default)]
#[darling(default)]
pub(super) struct Scopes {
    pub(super) default: Option<Words>,
    pub(super) grantable: Option<Words>,
}

/// `("read", "reports:read")`
#[derive(Default)]
pub(super) struct Words(pub(super) Vec<LitStr>);

impl FromMeta for Words {
    fn from_meta(item: &Meta) -> darling::Result<Self> {
        let key = spelled(item.path());
        let shown = format!(
            "`{key}` takes scopes in parentheses; write `{key}(\"read\", \"reports:read\")`"
        );
        let Meta::List(list) = item else {
            return Err(wrong(item, &shown));
        };
        let mut words: Vec<LitStr> = Vec::new();
        for token in split(list.tokens.clone()) {
            let word = syn::parse2::<LitStr>(token.clone()).map_err(|_| wrong(&token, &shown))?;
            let text = word.value();
            // RFC 6749 §3.3: a scope-token.
            let fits = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\');
            if text.is_empty() || text.len() > 128 || !text.chars().all(fits) {
                return Err(wrong(
                    &word,
                    &format!(
                        "{text:?} is no scope: 1 to 128 visible ASCII characters without space, `\"` and `\\` (RFC 6749 §3.3); write one such as \"reports:read\""
                    ),
                ));
            }
            if words.iter().any(|other| other.value() == text) {
                return Err(wrong(
                    &word,
                    &format!("the scope {text:?} is given twice; remove one of them"),
                ));
            }
            words.push(word);
        }
        if words.is_empty() {
            return Err(wrong(
                item,
                &format!("`{key}` names no scope; write `{key}(\"read\")`, or remove it"),
            ));
        }
        Ok(Self(words))
    }
}

/// `claims(MyClaims)`
pub(super) struct ClaimsType(pub(super) Path);

impl FromMeta for ClaimsType {
    fn from_meta(item: &Meta) -> darling::Result<Self> {
        let shown = "`claims` takes the type that implements `Claims`; write `claims(MyClaims)`";
        match item {
            Meta::List(list) => syn::parse2(list.tokens.clone())
                .map(Self)
                .map_err(|_| wrong(item, shown)),
            _ => Err(wrong(item, shown)),
        }
    }
}

fn wrong(at: &impl quote::ToTokens, text: &str) -> darling::Error {
    darling::Error::from(syn::Error::new_spanned(at, text))
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident, $kind:literal, $example:literal: $($text:literal => $variant:ident,)*)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum $name { $($variant,)* }

        impl $name {
            /// The variant's name in the runtime.
            #[allow(dead_code, reason = "not every word is a variant there")]
            pub(super) fn variant(self) -> Ident {
                let name = match self { $(Self::$variant => stringify!($variant),)* };
                Ident::new(name, Span::call_site())
            }
        }

        impl Literal for $name {
            const KIND: &'static str = $kind;
            const EXAMPLE: &'static str = $example;

            fn read(key: &str, lit: &Lit) -> Result<Self, String> {
                match text::<Self>(key, lit)?.as_str() {
                    $($text => Ok(Self::$variant),)*
                    other => Err(match nearest(other, &[$($text),*]) {
                        Some(meant) => format!("`{key}` has no value {other:?}; did you mean {meant:?}?"),
                        None => format!("`{key}` has no value {other:?}; write {}", $kind),
                    }),
                }
            }
        }
    )*};
}

words! {
    /// How access tokens are signed.
    Algorithm, "\"HS256\", \"EdDSA\", \"ES256\" or \"RS256\"", "\"HS256\"":
        "HS256" => Hs256, "EdDSA" => EdDsa, "ES256" => Es256, "RS256" => Rs256,
    /// How a refresh token travels.
    Deliver, "\"cookie\" or \"body\"", "\"cookie\"":
        "cookie" => Cookie, "body" => Body,
    /// What is asked at a request.
    Check, "\"epoch\" or \"stateless\"", "\"epoch\"":
        "epoch" => Epoch, "stateless" => Stateless,
    /// The type in the header.
    Typ, "\"JWT\" or \"at+jwt\"", "\"JWT\"":
        "JWT" => Jwt, "at+jwt" => AtJwt,
    /// `SameSite` of the refresh cookie.
    RefreshSameSite, "\"lax\", \"strict\" or \"none\"", "\"lax\"":
        "lax" => Lax, "strict" => Strict, "none" => None,
}

from_literal! { [] Algorithm; [] Deliver; [] Check; [] Typ; [] RefreshSameSite; }
