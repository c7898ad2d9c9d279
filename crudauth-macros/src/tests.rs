//! Whole expansions against files, messages of every mistake, and a fuzz of the parsers. In `src`, because a
//! proc-macro crate exports nothing else.

use std::path::PathBuf;

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

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
fn every_key_is_documented() {
    for key in features::ALL.iter().flat_map(|section| section.keys) {
        assert!(
            key.doc.ends_with('.') && !key.kind.is_empty(),
            "{}",
            key.name
        );
        assert!(
            !key.default.is_empty() || !key.nested.is_empty(),
            "{}",
            key.name
        );
    }
}

const FIELDS: &str = "id: i64, email: String, password_hash: PasswordHash";

#[test]
fn mistakes_in_the_struct_are_told() {
    for (text, needle) in [
        (format!("enum User {{ A({FIELDS}) }}").replace("id: i64, email: String, password_hash: PasswordHash", "i64"), "this is not a struct"),
        ("struct User(i64);".into(), "takes column names from field names"),
        (format!("struct User<T> {{ {FIELDS}, t: T }}"), "takes no parameters"),
        ("struct User { email: String, password_hash: PasswordHash }".into(), "has no primary key"),
        ("struct User { id: i64, password_hash: PasswordHash }".into(), "no column to sign in with"),
        ("struct User { id: i64, email: String }".into(), "no column for the password hash"),
        (format!("struct User {{ {FIELDS}, #[auth(email)] mail: String }}"), "two fields are the `email` column"),
        (format!("struct User {{ {FIELDS}, #[auth(column = \"EMAIL\")] x: String }}"), "two fields are the column `EMAIL`"),
        (format!("struct User {{ {FIELDS}, #[auth(register)] is_superuser: bool }}"), "mass assignment"),
        (format!("struct User {{ {FIELDS}, #[auth(register, skip)] x: bool }}"), "`skip` says"),
        (format!("struct User {{ {FIELDS}, #[auth(regster)] x: bool }}"), "did you mean `register`"),
        (format!("struct User {{ {FIELDS}, #[auth(emial)] x: String }}"), "did you mean `email`"),
        (format!("struct User {{ {FIELDS}, #[auth(column = \"a\\\";--\")] x: String }}"), "is not an SQL name"),
        (format!("#[auth(table = \"us ers\")] struct User {{ {FIELDS} }}"), "is not an SQL name"),
        (format!("#[auth(tabel = \"users\")] struct User {{ {FIELDS} }}"), "did you mean `table`"),
        (format!("#[auth(crate(renamed))] struct User {{ {FIELDS} }}"), "write `crate(::renamed)`"),
        (format!("struct User {{ {FIELDS}, is_active: i64 }}"), "cannot hold it"),
        (format!("struct User {{ {FIELDS}, #[auth(default = f())] x: i64 }}"), "a default is a literal"),
        (format!("struct User {{ {FIELDS}, #[auth(max_length = 5)] x: String }}"), "no client can set"),
        (format!("struct User {{ {FIELDS}, #[auth] x: String }}"), "says nothing without its keys"),
        (format!("struct User {{ {FIELDS}, #[auth(id = 3)] x: String }}"), "is a role and takes no value"),
        (format!("struct User {{ {FIELDS}, #[auth(id, email)] x: String }}"), "already marked `id`"),
        (format!("struct User {{ {FIELDS}, #[auth(default = true)] is_active: bool }}"), "crudauth itself fills"),
        ("struct User { id: i64, username: String, password_hash: PasswordHash, email_verified: bool }".into(), "there is no e-mail column"),
    ] {
        told("user", &text, needle);
    }
}

#[test]
fn mistakes_in_the_block_are_told() {
    for (sections, needle) in [
        ("#[sesion]", "did you mean `session`?"),
        ("#[oauth(google)]", "expected one of: password, session"),
        ("#[session(idel = \"3m\")]", "did you mean `idle`?"),
        ("#[session] #[session]", "is given twice"),
        (
            "#[session(path = \"/\", path = \"/\")]",
            "`path` is given twice",
        ),
        ("#[session = 3]", "takes its keys in parentheses"),
        ("#[session(\"x\")]", "not a bare value"),
        (
            "#[session(same_site = \"none\")]",
            "cross-site request forgery",
        ),
        (
            "#[session(cookie = \"csrf_token\")]",
            "two cookies are called",
        ),
        ("#[session(host_prefix, path = \"/app\")]", "needs the path"),
        (
            "#[session(host_prefix, danger_insecure_cookies)]",
            "needs `Secure`",
        ),
        (
            "#[session(host_prefix, cookie = \"sid\")]",
            "names the cookies",
        ),
        ("#[session(idle = \"13h\")]", "longer than `absolute`"),
        ("#[session(remember_me = \"401d\")]", "400 days"),
        (
            "#[session(csrf_field = \"csrf\", danger_no_csrf)]",
            "switches off",
        ),
        ("#[password(min = 6)]", "danger_min = 6"),
        ("#[password(min = 12, strict)]", "asks for 15"),
        ("#[password(min = 12, danger_min = 6)]", "twice"),
        ("#[password(max = 32)]", "out of range"),
        ("#[password(min = 100, max = 64)]", "more than `max` allows"),
        ("#[password(words)]", "takes texts in parentheses"),
        ("#[password(words(\"abc\"))]", "shorter than 4"),
        (
            "#[password(argon2(m = \"8MiB\", t = 2))]",
            "weaker than OWASP",
        ),
        (
            "#[password(argon2(memory = \"8MiB\"))]",
            "`argon2(…)` has no key `memory`",
        ),
        ("#[lockout(max_attempts = 0)]", "out of range"),
        (
            "#[lockout(hard_stop = 2)]",
            "a stranger could close any account",
        ),
        ("#[lockout(base = \"2h\")]", "longer than the longest"),
        ("#[lockout(on_success = \"clear\")]", "has no value"),
        ("#[rate_limit(register = \"5\")]", "is not a limit"),
        ("#[proxy]", "how many proxies"),
        ("#[database(postgres)]", "does not speak `postgres` yet"),
        ("#[database(sqlit)]", "did you mean `sqlite`?"),
        ("#[database]", "names no product"),
        ("#[tables(prefix = \"a b\")]", "is not an SQL name"),
        ("#[hooks]", "takes the path of one type"),
        ("#[allow(nothing, reason = \"x\")]", "has no key `nothing`"),
        ("#[allow(insecure_cookies_behind_proxy)]", "add `reason"),
        (
            "#[session(danger_insecure_cookies)] #[proxy(trusted_hops = 1)]",
            "session hijacking",
        ),
        (
            "#[password(danger_common)] #[lockout(max_attempts = 50)]",
            "password spraying",
        ),
        ("#[cfg(test)]", "is never evaluated"),
        ("#[derive(Clone)]", "`Clone` and `Debug` already"),
        ("#[crate(renamed)]", "is relative"),
    ] {
        told(
            "auth",
            &format!("{sections} pub struct Auth<User>;"),
            needle,
        );
    }
    told("auth", "pub struct Auth;", "needs the account type");
    told("auth", "pub struct Auth<User, Other>;", "one account type");
    told("auth", "pub struct Auth<User>; fn f() {}", "takes one item");
    told("auth", "", "cannot read this block");
}

#[test]
fn an_allowed_combination_is_silent() {
    let text = "#[session(danger_insecure_cookies)] #[proxy(trusted_hops = 1)] #[allow(insecure_cookies_behind_proxy, reason = \"lab\")] pub struct Auth<User>;";
    assert_eq!(messages("auth", text), Vec::<String>::new());
}

#[test]
fn mistakes_in_a_guard_are_told() {
    for (text, needle) in [
        (
            "#[require(verifed)] async fn f(u: Principal<Auth>) {}",
            "did you mean `verified`?",
        ),
        (
            "#[require(sudo)] async fn f(u: Principal<Auth>) {}",
            "expected one of: verified",
        ),
        (
            "#[require(verified, verified)] async fn f(u: Principal<Auth>) {}",
            "is given twice",
        ),
        (
            "#[require(verified = 3)] async fn f(u: Principal<Auth>) {}",
            "takes no value",
        ),
        (
            "#[require(transport)] async fn f(u: Principal<Auth>) {}",
            "does not say which",
        ),
        (
            "#[require(transport(sesion))] async fn f(u: Principal<Auth>) {}",
            "did you mean `session`?",
        ),
        (
            "#[require(check)] async fn f(u: Principal<Auth>) {}",
            "which function",
        ),
        (
            "#[require(verified)] fn f(u: Principal<Auth>) {}",
            "is `async`",
        ),
        (
            "#[require(verified)] async fn f(n: u8, u: Principal<Auth>) {}",
            "must be the first parameter",
        ),
        (
            "#[require(verified)] async fn f(u: Option<Principal<Auth>>) {}",
            "proves nothing",
        ),
        (
            "#[require(verified)] async fn f(Principal { user }: Principal<Auth>) {}",
            "cannot be taken apart",
        ),
        ("#[require(verified)] async fn f() {}", "finds no principal"),
        (
            "#[require(verified)] async fn f(u: Principal) {}",
            "cannot see the authority",
        ),
        (
            "#[require(verified)] fn f<T>(u: &Principal<Auth>, t: T) {}",
            "hidden type parameters",
        ),
        (
            "#[require(check(a::b))] fn f(u: &Principal<Auth>) {}",
            "make it a type that implements `Gate`",
        ),
        (
            "#[require(verified)] fn f(u: &mut Principal<Auth>) {}",
            "is never changed",
        ),
        ("#[public(verified)] async fn f() {}", "takes no conditions"),
        (
            "#[public] async fn f(u: Principal<Auth>) {}",
            "asks who is signed in",
        ),
    ] {
        told("require", text, needle);
    }
    let method = guard::require(
        TokenStream::new(),
        &"fn f(&self, by: &Principal<Auth>);".parse().unwrap(),
        "",
    );
    assert!(method.to_string().contains("trait's method"));
    let item = guard::public(TokenStream::new(), &"struct A;".parse().unwrap());
    assert!(item.to_string().contains("stands on a function"));
}

#[test]
fn all_mistakes_of_one_block_come_at_once() {
    let text = "#[session(idle = \"30\", same_site = \"none\", idel = \"3m\")] #[pasword] #[lockout(max_attempts = 0)] pub struct Auth<User>;";
    assert_eq!(messages("auth", text).len(), 5);
}

#[test]
fn a_panic_is_our_bug_and_the_item_stays() {
    let out = crate::guarded("#[require]", &"fn kept() {}".parse().unwrap(), || {
        panic!("boom")
    })
    .to_string();
    assert!(out.contains("bug in crudauth") && out.contains("kept"));
}

/// xorshift64*: the same inputs in every run.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % below
    }

    fn tokens(&mut self, depth: usize) -> TokenStream {
        (0..self.next(7)).map(|_| self.token(depth)).collect()
    }

    fn token(&mut self, depth: usize) -> TokenTree {
        const WORDS: &[&str] = &[
            "session",
            "password",
            "idle",
            "min",
            "argon2",
            "m",
            "words",
            "allow",
            "reason",
            "crate",
            "auth",
            "id",
            "email",
            "register",
            "default",
            "skip",
            "column",
            "table",
            "struct",
            "pub",
            "Auth",
            "User",
            "verified",
            "check",
            "transport",
            "Principal",
            "fn",
            "self",
            "database",
            "sqlite",
            "hooks",
            "true",
            "max_attempts",
            "lockout",
            "doc",
            "for",
            "_x",
        ];
        match self.next(12) {
            0..=4 => TokenTree::Ident(Ident::new(WORDS[self.next(WORDS.len())], Span::call_site())),
            5 | 6 => TokenTree::Punct(Punct::new(
                ['=', ',', ':', '<', '>', '#', ';', '-', '&', '!'][self.next(10)],
                Spacing::Alone,
            )),
            7 => TokenTree::Punct(Punct::new([':', '=', '-'][self.next(3)], Spacing::Joint)),
            8 => TokenTree::Literal(Literal::string(
                [
                    "",
                    "15m",
                    "19MiB",
                    "5/h",
                    "none",
                    "é\0",
                    "users",
                    "999999999999999999999d",
                ][self.next(8)],
            )),
            9 => TokenTree::Literal(Literal::u64_unsuffixed(self.next(100_000) as u64)),
            _ if depth == 0 => TokenTree::Literal(Literal::character('x')),
            _ => {
                let delimiter = [
                    Delimiter::Parenthesis,
                    Delimiter::Brace,
                    Delimiter::Bracket,
                    Delimiter::None,
                ][self.next(4)];
                TokenTree::Group(Group::new(delimiter, self.tokens(depth - 1)))
            }
        }
    }
}

/// 100,000 inputs, the same in every run, shared out so that the suite does not wait for one core.
#[test]
fn sec_131_no_input_makes_the_macros_panic() {
    let workers: Vec<_> = (0..4u64)
        .map(|worker| std::thread::spawn(move || fuzz(0x5ec1_3100_0000_0001 + worker, 25_000)))
        .collect();
    for worker in workers {
        assert!(worker.join().is_ok());
    }
}

fn fuzz(seed: u64, rounds: u32) {
    let mut random = Random(seed);
    for round in 0..rounds {
        let noise = random.tokens(2);
        let name = Ident::new(
            features::ALL[random.next(features::ALL.len())].name,
            Span::call_site(),
        );
        match round % 6 {
            0 => drop(authority(noise)),
            1 => drop(authority(
                quote::quote!(#[#name(#noise)] pub struct Auth<User>;),
            )),
            2 => drop(user(quote::quote!(
                #[auth(#noise)]
                struct User {
                    #[auth(#noise)]
                    id: i64,
                    email: String,
                }
            ))),
            3 => drop(guard::require(
                noise,
                &quote::quote!(
                    async fn f(u: Principal<Auth>) {}
                ),
                "",
            )),
            4 => drop(guard::require(
                quote::quote!(verified),
                &quote::quote!(fn f(#noise) {}),
                "",
            )),
            _ => drop(guard::public(noise.clone(), &noise)),
        }
    }
}
