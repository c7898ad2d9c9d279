//! `sudo(within = "2m", by(password))`: what a guard asks of a proof that was given once more.

use syn::spanned::Spanned;
use syn::{Ident, Meta, MetaList};

use crate::diag::{Cx, spelled};
use crate::model::Sudo;
use crate::read::items;
use crate::read::value::{Lifetime, literal};

/// Ways to prove once more who one is.
const WAYS: &[&str] = &["password"];

/// What `sudo(…)` may say.
const SUDO: &[&str] = &["within", "by"];

/// Reads the list behind the word.
pub(crate) fn list(cx: &Cx, list: &MetaList) -> Sudo {
    let mut sudo = Sudo {
        span: list.path.span(),
        within: None,
        by: Vec::new(),
    };
    let metas = items::metas(cx, "`sudo(…)`", list.tokens.clone());
    if metas.is_empty() && !cx.failed() {
        cx.error_on(list, "`sudo()` asks for nothing more", "write `sudo`");
    }
    for (at, meta) in metas.iter().enumerate() {
        let before = metas.iter().take(at);
        if before.into_iter().any(|other| other.path() == meta.path()) {
            let key = spelled(meta.path());
            cx.error_on(
                meta,
                format!("`{key}` is given twice in `sudo(…)`"),
                "remove one of them",
            );
            continue;
        }
        match meta {
            Meta::List(ways) if ways.path.is_ident("by") => sudo.by = by(cx, ways),
            _ if meta.path().is_ident("by") => cx.error_on(
                meta,
                "`by` takes ways to prove it, in parentheses",
                "write `by(password)`",
            ),
            _ if meta.path().is_ident("within") => match literal::<Lifetime>(meta) {
                Ok(within) => sudo.within = Some(within.secs),
                Err(error) => cx.darling(error),
            },
            _ => {
                cx.unknown_key("`sudo(…)`", meta.path(), SUDO);
            }
        }
    }
    sudo
}

/// Reads `by(…)`.
fn by(cx: &Cx, list: &MetaList) -> Vec<Ident> {
    let mut ways: Vec<Ident> = Vec::new();
    for item in items::split(list.tokens.clone()) {
        match syn::parse2::<Ident>(item.clone()) {
            Ok(way) if ways.contains(&way) => cx.error_on(
                &way,
                format!("`{way}` is given twice in `by(…)`"),
                "remove one of them",
            ),
            Ok(way) if WAYS.iter().any(|known| way == known) => ways.push(way),
            Ok(way) => {
                cx.unknown_key("`by(…)`", &way, WAYS);
            }
            Err(_) => cx.error_on(
                &item,
                "`by(…)` takes names of ways to prove it",
                "write `by(password)`",
            ),
        }
    }
    if list.tokens.is_empty() {
        cx.error_on(
            list,
            "`by()` names no way to prove it",
            "write `by(password)`",
        );
    }
    ways
}
