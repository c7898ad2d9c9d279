//! `#[require(verified, transport(session), sudo, check(path), gates::Staff)]`: what a principal must prove.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Ident, LitStr, Meta, MetaList, Path};

use crate::diag::{Cx, spelled};
use crate::model::{Guard, Proof, Sudo};
use crate::read::section::Key;
use crate::read::{items, krate, sudo};

/// Lower-case words; a path that begins with an upper-case letter, or has `::`, is a type that implements `Gate`.
pub(crate) const KEYS: &[Key] = &[
    Key::new("verified", "word", "off", "The e-mail address is proven."),
    Key::new("superuser", "word", "off", "The account is a superuser."),
    Key::new(
        "transport",
        "name in parentheses",
        "any",
        "The sign-in came this way: `transport(session)`.",
    ),
    Key::new(
        "scope",
        "text in parentheses",
        "none",
        "The access token may be used for this: `scope(\"reports:read\")`. A session has no scopes.",
    ),
    Key::new(
        "sudo",
        "word, or keys in parentheses",
        "off",
        "The session's owner has proven once more who it is: `sudo`, or `sudo(within = \"2m\", by(password))`.",
    ),
    Key::new(
        "check",
        "function in parentheses",
        "none",
        "A function of yours says yes; it may be async, and it may answer by itself.",
    ),
    Key::new(
        "auth",
        "type in parentheses",
        "taken from the principal's type",
        "The authority, for a handler without a principal.",
    ),
    Key::new(
        "crate",
        "path in parentheses",
        "`::crudauth`",
        "Where the crate is found when Cargo.toml renames it.",
    ),
];

/// Reads the words of one guard and puts them in canonical order. `transports` are the sections that carry a sign-in.
pub(crate) fn require(cx: &Cx, transports: &[&str], tokens: TokenStream) -> Guard {
    let mut guard = Guard {
        krate: krate::default(),
        authority: None,
        proofs: Vec::new(),
    };
    let mut seen: Vec<String> = Vec::new();
    for item in items::split(tokens) {
        // A type with arguments (`Older<18>`) is no meta item, and a gate all the same.
        let gate = syn::parse2::<Path>(item.clone()).ok().filter(is_gate);
        let word = gate.as_ref().map_or_else(|| spelled(&item), spelled);
        if seen.contains(&word) {
            cx.error_on(
                &item,
                format!("`{word}` is given twice in `#[require]`"),
                "remove one of them",
            );
            continue;
        }
        seen.push(word);
        match gate {
            Some(path) => guard.proofs.push(Proof::Gate(path)),
            None => items::metas(cx, "`#[require]`", item)
                .iter()
                .for_each(|meta| word_of(cx, transports, meta, &mut guard)),
        }
    }
    guard.proofs.sort_by_key(Proof::order); // stable: gates keep their order
    nobody(cx, &guard);
    guard
}

/// Words that are each fine, and that nobody fulfils together.
fn nobody(cx: &Cx, guard: &Guard) {
    let mut transports = guard.proofs.iter().filter_map(|proof| match proof {
        Proof::Transport(name) => Some(name.to_token_stream()),
        Proof::OwnTransport(path) => Some(path.to_token_stream()),
        _ => None,
    });
    let (first, second) = (transports.next(), transports.next());
    if let Some(second) = second {
        cx.error_on(
            second,
            "a request comes by one transport, so it never comes by both of these",
            "remove one of them, or both to let any transport in",
        );
    }
    let session = first.filter(|name| name.to_string() == "session");
    let scope = |proof: &Proof| matches!(proof, Proof::Scope(_));
    if let Some(session) = session.filter(|_| guard.proofs.iter().any(scope)) {
        cx.error_on(
            session,
            "a session has no scopes, so nobody fulfils both `transport(session)` and `scope(…)`",
            "write `transport(bearer)`, or remove `scope(…)`",
        );
    }
}

fn is_gate(path: &Path) -> bool {
    let upper = path
        .segments
        .last()
        .is_some_and(|s| s.ident.to_string().starts_with(char::is_uppercase));
    upper || path.segments.len() > 1
}

fn word_of(cx: &Cx, transports: &[&str], meta: &Meta, guard: &mut Guard) {
    let word = spelled(meta.path());
    let plain = |example: &str| {
        cx.error_on(
            meta,
            format!("`{word}` takes no value in `#[require]`"),
            format!("write `{example}`"),
        );
    };
    match (word.as_str(), meta) {
        ("verified", Meta::Path(path)) => guard.proofs.push(Proof::Verified(path.span())),
        ("superuser", Meta::Path(path)) => guard.proofs.push(Proof::Superuser(path.span())),
        ("verified" | "superuser", _) => plain(&word),
        ("sudo", _)
            if guard
                .proofs
                .iter()
                .any(|proof| matches!(proof, Proof::Sudo(_))) =>
        {
            cx.error_on(
                meta,
                "`sudo` is given twice in `#[require]`",
                "write one with all that it asks for: `sudo(within = \"2m\", by(password))`",
            );
        }
        ("sudo", Meta::Path(path)) => guard.proofs.push(Proof::Sudo(Sudo {
            span: path.span(),
            within: None,
            by: Vec::new(),
        })),
        ("sudo", Meta::List(list)) => guard.proofs.push(Proof::Sudo(sudo::list(cx, list))),
        ("transport", Meta::List(list)) => guard.proofs.extend(transport(cx, transports, list)),
        ("scope", Meta::List(list)) => scopes(cx, list, guard),
        ("check", Meta::List(list)) => match syn::parse2(list.tokens.clone()) {
            Ok(path) => guard.proofs.push(Proof::Check(path)),
            Err(_) => cx.error_on(
                list,
                "`check` takes the path of one function",
                "write `check(path::to::function)`",
            ),
        },
        ("auth", Meta::List(list)) => match syn::parse2(list.tokens.clone()) {
            Ok(ty) => guard.authority = Some(ty),
            Err(_) => cx.error_on(
                list,
                "`auth` takes the authority's type",
                "write `auth(Auth)`",
            ),
        },
        ("crate", Meta::List(list)) => {
            if let Some(path) = krate::read(cx, &list.path, &list.tokens) {
                guard.krate = path;
            }
        }
        ("transport", _) => cx.error_on(
            meta,
            "`transport` does not say which",
            "write `transport(session)`",
        ),
        ("sudo", _) => cx.error_on(
            meta,
            "`sudo` takes its keys in parentheses",
            "write `sudo`, or `sudo(within = \"2m\")`",
        ),
        ("scope", _) => cx.error_on(
            meta,
            "`scope` does not say which",
            "write `scope(\"reports:read\")`",
        ),
        ("check", _) => cx.error_on(
            meta,
            "`check` does not say which function",
            "write `check(path::to::function)`",
        ),
        ("auth", _) => cx.error_on(
            meta,
            "`auth` does not say which authority",
            "write `auth(Auth)`",
        ),
        ("crate", _) => cx.error_on(
            meta,
            "`crate` does not say which crate",
            "write `crate(::renamed)`",
        ),
        _ => {
            let words: Vec<_> = KEYS.iter().map(|key| key.name).collect();
            cx.unknown_key("`#[require]`", meta.path(), &words);
        }
    }
}

/// `scope("a")`, or several of them, which are then all demanded.
fn scopes(cx: &Cx, list: &MetaList, guard: &mut Guard) {
    let fix = "write `scope(\"reports:read\")`";
    let items = items::split(list.tokens.clone());
    if items.is_empty() {
        cx.error_on(list, "`scope` does not say which", fix);
    }
    for item in items {
        let Ok(scope) = syn::parse2::<LitStr>(item.clone()) else {
            cx.error_on(item, "`scope` takes the name of a scope as a text", fix);
            continue;
        };
        let same =
            |proof: &Proof| matches!(proof, Proof::Scope(other) if other.value() == scope.value());
        if guard.proofs.iter().any(same) {
            cx.error_on(
                &scope,
                format!(
                    "the scope {:?} is given twice in `#[require]`",
                    scope.value()
                ),
                "remove one of them",
            );
            continue;
        }
        guard.proofs.push(Proof::Scope(scope));
    }
}

fn transport(cx: &Cx, transports: &[&str], list: &MetaList) -> Option<Proof> {
    if let Some(path) = syn::parse2::<Path>(list.tokens.clone())
        .ok()
        .filter(is_gate)
    {
        return Some(Proof::OwnTransport(path));
    }
    let Ok(name) = syn::parse2::<Ident>(list.tokens.clone()) else {
        cx.error_on(
            list,
            "`transport` takes the name of one transport",
            "write `transport(session)`",
        );
        return None;
    };
    if !transports.iter().any(|known| name == known) {
        cx.unknown_key("`transport(…)`", &name, transports);
        return None;
    }
    Some(Proof::Transport(name))
}

/// Reads `#[public]`, whose only key is `crate`.
pub(crate) fn public(cx: &Cx, tokens: TokenStream) -> Path {
    let mut path = krate::default();
    for meta in items::metas(cx, "`#[public]`", tokens) {
        match &meta {
            Meta::List(list) if list.path.is_ident("crate") => {
                path = krate::read(cx, &list.path, &list.tokens).unwrap_or(path);
            }
            _ => {
                let fix = "write `#[public]` for everybody, or `#[require(…)]` for some";
                cx.error_on(
                    &meta,
                    "`#[public]` needs nobody, so it takes no conditions",
                    fix,
                );
            }
        }
    }
    path
}
