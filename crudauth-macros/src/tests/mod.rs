//! Whole expansions against files, messages of every mistake, and a fuzz of the parsers. In `src`, because a
//! proc-macro crate exports nothing else.

mod fuzz;
mod mistakes;
mod paths;
mod providers;
mod reference;
mod tokens;

use std::path::PathBuf;

use proc_macro2::TokenStream;

use crate::{authority, features, guard, user};

fn expand(kind: &str, text: &str) -> TokenStream {
    let tokens: TokenStream = text.parse().unwrap();
    match kind {
        "user" => user(tokens),
        "auth" => authority(tokens),
        _ => {
            let item: syn::ItemFn = syn::parse2(tokens).unwrap();
            let (first, rest) = item.attrs.split_first().unwrap();
            let arguments = match &first.meta {
                syn::Meta::List(list) => list.tokens.clone(),
                _ => TokenStream::new(),
            };
            let item = syn::ItemFn {
                attrs: rest.to_vec(),
                ..item.clone()
            };
            let item = quote::ToTokens::into_token_stream(item);
            if first.path().is_ident("public") {
                guard::public(arguments, &item)
            } else {
                guard::require(arguments, &item, "src/main.rs:1:1")
            }
        }
    }
}

/// The messages in an expansion.
fn messages(kind: &str, text: &str) -> Vec<String> {
    let file: syn::File = syn::parse2(expand(kind, text)).unwrap();
    let calls = file.items.into_iter().filter_map(|item| match item {
        syn::Item::Macro(item)
            if item.mac.path.segments.last().unwrap().ident == "compile_error" =>
        {
            Some(item.mac.tokens)
        }
        _ => None,
    });
    calls
        .map(|tokens| syn::parse2::<syn::LitStr>(tokens).unwrap().value())
        .collect()
}

fn told(kind: &str, text: &str, needle: &str) {
    let found = messages(kind, text);
    assert!(
        found.iter().any(|message| message.contains(needle)),
        "{text}\n  wanted {needle:?}\n  got {found:#?}"
    );
    for message in found {
        assert!(
            message.starts_with(|c: char| !c.is_uppercase()),
            "{message}"
        );
    }
}

#[test]
fn expansions_are_as_recorded() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/expand");
    let mut seen = 0;
    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(case) = name.strip_suffix(".in.rs") else {
            continue;
        };
        if case.ends_with("oauth") && !cfg!(feature = "oauth") {
            continue;
        }
        let input = std::fs::read_to_string(&path).unwrap();
        let out = expand(case.split('_').next().unwrap(), &input);
        let pretty = prettyplease::unparse(&syn::parse2(out).unwrap());
        let wanted = dir.join(format!("{case}.out.rs"));
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&wanted, &pretty).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(&wanted).unwrap_or_default(),
            pretty,
            "{case}: run with BLESS=1 to record"
        );
        seen += 1;
    }
    assert!(seen >= 6);
}

#[test]
fn a_renamed_crate_leaves_no_default_name() {
    for (kind, text) in [
        (
            "user",
            "#[auth(crate(::renamed))] struct User { id: i64, email: String, password_hash: PasswordHash }",
        ),
        ("auth", "#[crate(::renamed)] pub struct Auth<User>;"),
        (
            "require",
            "#[require(crate(::renamed), verified, check(a::b), Staff)] async fn f(u: Principal<Auth>) {}",
        ),
        (
            "require",
            "#[require(crate(::renamed), verified)] fn f(u: &Principal<Auth>) {}",
        ),
        ("public", "#[public(crate(::renamed))] async fn f() {}"),
    ] {
        let out = expand(kind, text).to_string();
        assert!(
            out.contains("renamed") && !out.contains(":: crudauth"),
            "{out}"
        );
    }
}

#[test]
fn feature_names_are_in_the_registry_once() {
    let mut names = features::names();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), features::ALL.len());
}

#[test]
fn a_panic_is_our_bug_and_the_item_stays() {
    let out = crate::guarded("#[require]", &"fn kept() {}".parse().unwrap(), || {
        panic!("boom")
    })
    .to_string();
    assert!(out.contains("bug in crudauth") && out.contains("kept"));
}
