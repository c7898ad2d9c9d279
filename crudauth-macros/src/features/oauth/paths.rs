//! `paths(prefix = "/auth/social", authorize = "/{provider}/login", callback = "/{provider}/done")`: where the routes are.

use std::marker::PhantomData;

use darling::FromMeta;
use darling::util::SpannedValue;
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::Lit;

use crate::diag::Cx;
use crate::read::section::Key;
use crate::read::value::{Literal, from_literal, text};

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "prefix",
        "path",
        "\"/oauth\"",
        "What every route of the section begins with.",
    ),
    Key::new(
        "authorize",
        "path",
        "\"/{provider}/authorize\"",
        "Where a browser sets out, below the prefix.",
    ),
    Key::new(
        "callback",
        "path",
        "\"/{provider}/callback\"",
        "Where a provider sends it back, below the prefix: what is registered with them.",
    ),
];

/// First segments of the routes of all other features. Each is taken whether the block declares its feature or not: a section
/// that is added later must not meet a prefix there. `tests/house/registry.rs` compares
/// them with the runtime's.
pub(crate) const TAKEN: &[&str] = &[
    ".well-known",
    "change-password",
    "csrf",
    "email",
    "login",
    "logout",
    "logout-all",
    "me",
    "password",
    "refresh",
    "register",
    "sessions",
    "set-password",
    "sudo",
    "token",
];

/// As the router writes it.
const PROVIDER: &str = "{provider}";

#[derive(FromMeta, Default)]
#[darling(default)]
pub(super) struct Paths {
    prefix: Option<SpannedValue<Prefix>>,
    authorize: Option<SpannedValue<Below<Authorize>>>,
    callback: Option<SpannedValue<Below<Callback>>>,
}

/// One route of the section.
struct Route {
    /// The runtime's name for it.
    field: &'static str,
    /// What it does, for a message.
    does: &'static str,
    /// The whole of it.
    path: String,
    /// Where the block puts it elsewhere than it is by default, and what would put it there again.
    moved: Option<(Span, &'static str)>,
}

impl Paths {
    pub(super) fn prefix(&self) -> &str {
        self.prefix.as_ref().map_or("/oauth", |prefix| &prefix.0)
    }

    /// Those that a block can move come first: they are to blame.
    fn routes(&self) -> [Route; 6] {
        let route = |field, does, path: &str, moved| Route {
            field,
            does,
            path: format!("{}{path}", self.prefix()),
            moved,
        };
        let (authorize, leaves) = Below::or_default(self.authorize.as_ref());
        let (callback, returns) = Below::or_default(self.callback.as_ref());
        [
            route("callback", "`callback`", callback, returns),
            route("authorize", "`authorize`", authorize, leaves),
            route(
                "link",
                "the one that links an account",
                "/{provider}/link",
                None,
            ),
            route(
                "identities",
                "the one that lists accounts",
                "/identities",
                None,
            ),
            route(
                "identity",
                "the one that unlinks an account",
                "/identities/{id}",
                None,
            ),
            route("token", "the one that redeems codes", "/token", None),
        ]
    }

    /// No other feature has a route below the prefix, and no path of a provider is that of two routes: the router would refuse to
    /// start, or one of them would never be reached.
    pub(super) fn check<'a>(&self, cx: &Cx, providers: impl Iterator<Item = &'a str>) {
        if let Some(prefix) = &self.prefix {
            let first = prefix.0.split('/').nth(1).unwrap_or_default();
            if TAKEN.contains(&first) {
                cx.error(
                    prefix.span(),
                    format!("`/{first}` is what other routes of crudauth begin with"),
                    format!("write `prefix = {}`, or another", Prefix::EXAMPLE),
                );
            }
        }
        let routes = self.routes();
        for provider in providers {
            for (at, one) in routes.iter().enumerate() {
                for other in routes.iter().skip(at + 1) {
                    let Some(path) = one.meets(other, provider) else {
                        continue;
                    };
                    let Some((span, usual)) = one.moved.or(other.moved) else {
                        continue;
                    };
                    let (one, other) = (one.does, other.does);
                    cx.error(
                        span,
                        format!("`{path}` would be two routes, {one} and {other}"),
                        format!("write `{usual}`, or another path"),
                    );
                    return; // each other provider would say the same again
                }
            }
        }
    }

    /// Statements on `p: OAuthPolicy`.
    pub(super) fn policy(&self) -> TokenStream {
        if self.prefix.is_none() && self.authorize.is_none() && self.callback.is_none() {
            return TokenStream::new();
        }
        let statements = self.routes().map(|route| {
            let (field, path) = (format_ident!("{}", route.field), &route.path);
            quote!(p.paths.#field = #path;)
        });
        quote!(#(#statements)*)
    }
}

impl Route {
    /// A path of `provider` that the router could take to either of two routes.
    fn meets(&self, other: &Self, provider: &str) -> Option<String> {
        let of = |from: &Self, to: &Self| {
            let path = from.path.replace(PROVIDER, provider);
            (path != from.path && to.answers(&path)).then_some(path)
        };
        of(self, other).or_else(|| of(other, self))
    }

    fn answers(&self, path: &str) -> bool {
        let (own, path) = (self.path.split('/'), path.split('/'));
        own.clone().count() == path.clone().count()
            && own
                .zip(path)
                .all(|(own, segment)| own == segment || own.starts_with('{'))
    }
}

from_literal! {
    [] Prefix;
    [P: Place] Below<P>;
}

/// What every path of the section begins with.
struct Prefix(String);

impl Literal for Prefix {
    const KIND: &'static str = "a path";
    const EXAMPLE: &'static str = "\"/auth/social\"";

    fn read(key: &str, lit: &Lit) -> Result<Self, String> {
        judged::<Self>(key, lit, prefix).map(Self)
    }
}

/// A path below the prefix, with the provider's name in it.
struct Below<P> {
    path: String,
    of: PhantomData<P>,
}

/// Which of them.
trait Place {
    const USUAL: &'static str;
    /// As the block writes it.
    const WRITTEN: &'static str;
    const EXAMPLE: &'static str;
}

struct Authorize;

impl Place for Authorize {
    const USUAL: &'static str = "/{provider}/authorize";
    const WRITTEN: &'static str = "authorize = \"/{provider}/authorize\"";
    const EXAMPLE: &'static str = "\"/{provider}/login\"";
}

struct Callback;

impl Place for Callback {
    const USUAL: &'static str = "/{provider}/callback";
    const WRITTEN: &'static str = "callback = \"/{provider}/callback\"";
    const EXAMPLE: &'static str = "\"/{provider}/done\"";
}

impl<P: Place> Below<P> {
    /// The path, and where it is written if it is not the usual one.
    fn or_default(own: Option<&SpannedValue<Self>>) -> (&str, Option<(Span, &'static str)>) {
        let Some(own) = own else {
            return (P::USUAL, None);
        };
        let moved = (own.path != P::USUAL).then(|| (own.span(), P::WRITTEN));
        (&own.path, moved)
    }
}

impl<P: Place> Literal for Below<P> {
    const KIND: &'static str = "a path";
    const EXAMPLE: &'static str = P::EXAMPLE;

    fn read(key: &str, lit: &Lit) -> Result<Self, String> {
        let below = |path: &str| parameter(path).and_then(|()| plain(path));
        judged::<Self>(key, lit, below).map(|path| Self {
            path,
            of: PhantomData,
        })
    }
}

/// The path, or what is wrong with it, and a right one: this one with its slashes mended, if that is all.
fn judged<T: Literal>(
    key: &str,
    lit: &Lit,
    judge: impl Fn(&str) -> Result<(), String>,
) -> Result<String, String> {
    let text = text::<T>(key, lit)?;
    let Err(why) = judge(&text) else {
        return Ok(text);
    };
    let mended = format!("/{}", text.trim_matches('/'));
    let right = match judge(&mended) {
        Ok(()) => format!("{mended:?}"),
        Err(_) => T::EXAMPLE.to_owned(),
    };
    Err(format!("{text:?} {why}; write `{key} = {right}`"))
}

fn prefix(path: &str) -> Result<(), String> {
    if matches!(path, "" | "/") {
        return Err("leaves the routes of providers among all the others".to_owned());
    }
    if path.contains(['{', '}']) {
        return Err(
            "has a parameter, and the provider's name stands in `authorize` and `callback`"
                .to_owned(),
        );
    }
    plain(path)
}

/// One segment is `{provider}`, and no other is a parameter.
fn parameter(path: &str) -> Result<(), String> {
    let (own, rest): (Vec<_>, Vec<_>) = path.split('/').partition(|segment| *segment == PROVIDER);
    if let Some(other) = rest.iter().find(|segment| segment.contains(['{', '}'])) {
        return Err(if other.contains(PROVIDER) {
            format!(
                "has `{PROVIDER}` in a part of a segment, and the router takes it as a whole one"
            )
        } else {
            format!("has `{other}`, and its only parameter is `{PROVIDER}`")
        });
    }
    match own.len() {
        1 => Ok(()),
        0 => Err("does not say where the provider's name stands".to_owned()),
        _ => Err(format!("has `{PROVIDER}` more than once")),
    }
}

/// Every browser, proxy and router reads it in one way (RFC 3986 §2.3).
fn plain(path: &str) -> Result<(), String> {
    let Some(rest) = path.strip_prefix('/') else {
        return Err("does not begin with a slash".to_owned());
    };
    if rest.ends_with('/') {
        return Err("ends with a slash".to_owned());
    }
    for segment in rest.split('/').filter(|segment| *segment != PROVIDER) {
        if matches!(segment, "" | "." | "..") {
            return Err(
                "has a segment that is empty, `.` or `..`, which browsers and proxies take out"
                    .to_owned(),
            );
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        if let Some(other) = segment.chars().find(|c| !plain(*c)) {
            return Err(format!(
                "has {other:?}, and a path here is of letters, digits, `-`, `.`, `_` and `~`"
            ));
        }
    }
    Ok(())
}
