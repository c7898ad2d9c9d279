//! Words that people look for in the section and that belong elsewhere: what a provider gave the application is configuration.

use syn::Meta;

use crate::diag::{Cx, spelled};

/// Tells where each such word belongs, and returns the others. `call` is how the builder is given the credentials.
pub(super) fn placed(cx: &Cx, owner: &str, call: &str, metas: Vec<Meta>) -> Vec<Meta> {
    let misplaced = |meta: &Meta| {
        let word = spelled(meta.path());
        let Some(fix) = fix(&word, call) else {
            return false;
        };
        cx.error_on(
            meta.path(),
            format!("{owner} has no key `{word}`, which the builder takes"),
            format!("write `{fix}` there"),
        );
        true
    };
    metas.into_iter().filter(|meta| !misplaced(meta)).collect()
}

/// What is written at the builder.
fn fix(word: &str, call: &str) -> Option<String> {
    let more = match word {
        "client_id" | "client_secret" | "secret" | "credentials" => "",
        "issuer" => ".issuer(\"https://…\")",
        "scope" | "scopes" => ".scopes([\"…\"])",
        "base_url" | "callback_url" | "public_url" | "redirect_uri" | "redirect_url" => {
            return Some(".public_url(\"https://app.example.com\")".to_owned());
        }
        _ => return None,
    };
    Some(format!(".{call}Credentials::new(id, secret){more})"))
}

/// A word of one provider that is written for all of them, or turned round: left to the spelling, it would be read as its opposite.
pub(super) fn about_trust(cx: &Cx, owner: &str, fix: &str, metas: Vec<Meta>) -> Vec<Meta> {
    let (told, rest): (Vec<_>, Vec<_>) = metas.into_iter().partition(|meta| {
        let word = spelled(meta.path());
        word == "untrusted" || (word == "trusted" && fix != OF_ONE)
    });
    for meta in told {
        let word = spelled(meta.path());
        cx.error_on(
            meta.path(),
            format!("{owner} has no key `{word}`"),
            format!("write `{fix}`"),
        );
    }
    rest
}

/// Inside a provider's parentheses.
pub(super) const OF_ONE: &str = "trusted = false";
/// Beside the providers.
pub(super) const OF_ALL: &str = "oidc(\"sso\", trusted = false)";
