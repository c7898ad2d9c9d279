//! What a field is marked as.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Lit, Meta};

use crate::diag::{Cx, spelled};
use crate::model::Role;
use crate::read::name::is_provider_name;
use crate::read::section::{Key, known};

/// A role, and where it was given.
pub(crate) struct Mark {
    pub(crate) role: Role,
    pub(crate) span: Span,
    /// The provider of an identity.
    pub(crate) provider: Option<String>,
}

/// Takes the role words out of a field's keys; what is left are those of `keys`.
pub(crate) fn read(cx: &Cx, metas: Vec<Meta>, keys: &[Key]) -> (Option<Mark>, Vec<Meta>) {
    let mut found: Option<Mark> = None;
    let mut rest = Vec::new();
    for meta in metas {
        let word = spelled(meta.path());
        let Some(role) = Role::named(&word) else {
            rest.push(meta);
            continue;
        };
        let Some(mark) = mark(cx, &meta, role) else {
            continue;
        };
        match &mut found {
            Some(first)
                if matches!(
                    (first.role, role),
                    (Role::Email, Role::Recovery) | (Role::Recovery, Role::Email)
                ) =>
            {
                recovers_already(cx, mark.span);
                first.role = Role::Email;
            }
            Some(first) => {
                let fix = "a column has one role: remove one of them";
                cx.error_on(
                    &meta,
                    format!("this field is already marked `{}`", first.role.word()),
                    fix,
                );
            }
            None => found = Some(mark),
        }
    }
    // Filter by hand first: the did-you-mean must know the roles too.
    let words: Vec<_> = keys
        .iter()
        .map(|key| key.name)
        .chain(Role::WORDS.iter().copied())
        .collect();
    rest.retain(|meta| {
        keys.iter().any(|key| meta.path().is_ident(key.name))
            || cx.unknown_key("`#[auth(…)]` on a field", meta.path(), &words)
    });
    (found, known(cx, "`#[auth(…)]`", keys, rest))
}

/// One role. `None` after reporting what is wrong with it.
fn mark(cx: &Cx, meta: &Meta, role: Role) -> Option<Mark> {
    let provider = if role == Role::Identity {
        Some(provider(cx, meta)?)
    } else if matches!(meta, Meta::Path(_)) {
        None
    } else {
        let word = spelled(meta.path());
        cx.error_on(
            meta,
            format!("`{word}` is a role and takes no value"),
            format!("write `#[auth({word})]`"),
        );
        return None;
    };
    Some(Mark {
        role,
        span: meta.span(),
        provider,
    })
}

/// The provider in `identity = "google"`.
fn provider(cx: &Cx, meta: &Meta) -> Option<String> {
    let fix = "write `identity = \"google\"`, with a provider of `#[oauth]`";
    let Meta::NameValue(pair) = meta else {
        cx.error_on(meta, "`identity` does not say at which provider", fix);
        return None;
    };
    let Expr::Lit(ExprLit {
        lit: Lit::Str(name),
        ..
    }) = &pair.value
    else {
        cx.error_on(
            &pair.value,
            "`identity` takes a provider's name, as a text",
            fix,
        );
        return None;
    };
    let name = name.value();
    if is_provider_name(&name) {
        return Some(name);
    }
    cx.error_on(
        &pair.value,
        format!("{name:?} names no provider: their names are 1 to 32 of a-z, 0-9, `_` and `-`"),
        fix,
    );
    None
}

pub(crate) fn recovers_already(cx: &Cx, span: Span) {
    cx.error(
        span,
        "a lost password is recovered by the e-mail address already, where no other field is marked `recovery`",
        "remove `recovery`",
    );
}
