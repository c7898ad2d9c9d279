//! The providers of a block: each once, under a name that its paths can have.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{LitStr, Meta};

use super::args::{KEYS, Kind, OPTIONS, Options};
use crate::diag::{Cx, nearest, spelled};
use crate::read::items::{self, split};
use crate::read::name::is_provider_name;
use crate::read::section::{from_metas, known};

/// One provider.
pub(super) struct Provider {
    pub(super) kind: Kind,
    /// As the paths have it.
    pub(super) name: String,
    pub(super) trusted: bool,
}

/// Whether a provider is meant: one that is known, or a word of which nothing else could be meant.
pub(super) fn is_provider(cx: &Cx, meta: &Meta) -> bool {
    let word = spelled(meta.path());
    if Kind::of(&word).is_some() {
        return true;
    }
    let keys: Vec<_> = KEYS.iter().map(|key| key.name).collect();
    if matches!(meta, Meta::NameValue(_)) || nearest(&word, &keys).is_some() {
        return false;
    }
    let shown = if is_provider_name(&word) {
        word.as_str()
    } else {
        "linkedin"
    };
    cx.error_on(
        meta.path(),
        format!("`#[oauth]` has no provider `{word}`"),
        format!("write `provider(\"{shown}\")` and give the builder an `OAuthProvider`"),
    );
    true
}

/// Reads those that [`is_provider`] found.
pub(super) fn providers(cx: &Cx, metas: Vec<Meta>) -> Vec<Provider> {
    let mut all: Vec<Provider> = Vec::new();
    for meta in metas {
        let Some(provider) = provider(cx, &meta) else {
            continue;
        };
        if let Some(other) = all.iter().find(|other| other.name == provider.name) {
            let name = &provider.name;
            if other.kind == provider.kind && !provider.kind.named() {
                cx.error_on(
                    meta.path(),
                    format!("`{name}` is given twice in `#[oauth]`"),
                    "remove one of them",
                );
            } else {
                cx.error_on(
                    &meta,
                    format!("two providers are called `{name}`, and their paths would be the same"),
                    "give one of them another name",
                );
            }
            continue;
        }
        all.push(provider);
    }
    all
}

fn provider(cx: &Cx, meta: &Meta) -> Option<Provider> {
    let word = spelled(meta.path());
    let kind = Kind::of(&word)?;
    let tokens = match meta {
        Meta::Path(_) => TokenStream::new(),
        Meta::List(list) => list.tokens.clone(),
        Meta::NameValue(_) => {
            let fix = if kind.named() {
                format!("write `{word}(\"sso\")`")
            } else {
                format!("write `{word}`, or `{word}(trusted = false)`")
            };
            cx.error_on(
                meta,
                format!("`{word}` is a provider and takes no value"),
                fix,
            );
            return None;
        }
    };
    let owner = format!("`{word}(…)`");
    let mut parts = split(tokens).into_iter();
    let name = if kind.named() {
        name(cx, meta, &word, parts.next())
    } else {
        Some(word)
    };
    let rest = items::metas(cx, &owner, quote!(#(#parts),*));
    let options: Options = from_metas(cx, known(cx, &owner, OPTIONS, rest)).unwrap_or_default();
    Some(Provider {
        kind,
        name: name?,
        trusted: options.trusted.is_none_or(|switch| switch.0),
    })
}

/// The name in `oidc("sso")`.
fn name(cx: &Cx, meta: &Meta, word: &str, first: Option<TokenStream>) -> Option<String> {
    let example = if word == "oidc" { "sso" } else { "linkedin" };
    let shown = format!("write `{word}(\"{example}\")`");
    let Some(first) = first else {
        cx.error_on(meta, format!("`{word}` does not say which"), shown);
        return None;
    };
    let Ok(literal) = syn::parse2::<LitStr>(first.clone()) else {
        cx.error_on(
            first,
            format!("`{word}` takes the provider's name first, as a text"),
            shown,
        );
        return None;
    };
    let name = literal.value();
    if !is_provider_name(&name) {
        cx.error_on(
            &literal,
            format!("{name:?} is part of a path, so it is 1 to 32 of a-z, 0-9, `_` and `-`"),
            shown,
        );
        return None;
    }
    if name == "identities" {
        cx.error_on(
            &literal,
            "`identities` is a route of its own",
            "give the provider another name",
        );
        return None;
    }
    if let Some(kind) = Kind::of(&name) {
        let fix = if kind.named() {
            shown
        } else {
            format!("write `{name}`, or give this one another name")
        };
        cx.error_on(
            &literal,
            format!("`{name}` is a word of `#[oauth]` already"),
            fix,
        );
        return None;
    }
    Some(name)
}
