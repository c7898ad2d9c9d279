//! The import rule (CONTRIBUTING, "Layers"): a file imports its own layer and lower ones, and a feature never imports
//! another feature. Every path that starts with `crate` or climbs to the root by `super` is looked at, nested groups
//! included.

use std::fs;
use std::path::{Path, PathBuf};

/// Lowest first. Names in one row may import each other.
const RUNTIME: Crate = Crate {
    root: "crudauth-runtime/src",
    layers: &[
        &["error", "clock", "secret"],
        &["crypto", "policy"],
        &["identity"],
        &["account"],
        &["store"],
        &["mail"],
        &["oauth"],
        &["hooks", "waiting"],
        &["engine"],
        &[
            "attempt",
            "authenticate",
            "device",
            "elevated",
            "enrol",
            "judge",
            "links",
            "outbox",
        ],
        &["flow"],
        &["http"],
        &[
            "authority",
            "principal",
            "guard",
            "routes",
            "routing",
            "builder",
            "handles",
            "settings",
            "start",
            "testing",
            "toolbox",
            "transport",
            "workers",
        ],
        &["__private"],
    ],
    // `features/x/flow.rs` decides and knows no HTTP; `mod.rs` and `routes.rs` translate.
    features: Features::Split,
};

const MACROS: Crate = Crate {
    root: "crudauth-macros/src",
    layers: &[
        &["diag", "tokens"],
        &["model"],
        &["read"],
        &["features"],
        &["block"],
        &["check"],
        &["expand"],
        &["guard"],
    ],
    features: Features::Layer,
};

struct Crate {
    root: &'static str,
    layers: &'static [&'static [&'static str]],
    features: Features,
}

enum Features {
    /// A row of `layers` like any other; files in it do not import each other.
    Layer,
    /// `flow*` is the row "flow", everything else in a feature is the row "routes".
    Split,
}

#[test]
fn imports_point_down_in_the_runtime() {
    assert_clean(&RUNTIME);
}

#[test]
fn imports_point_down_in_the_macros() {
    assert_clean(&MACROS);
}

#[test]
fn a_flow_that_knows_http_is_reported() {
    let found = RUNTIME.violations("features/session/flow.rs", "use crate::http::Problem;\n");
    assert_eq!(
        found,
        ["features/session/flow.rs:1: `flow` may not import `crate::http`: a later layer"]
    );
}

#[test]
fn a_group_is_looked_into() {
    let text =
        "use crate::{\n    clock::Clock,\n    policy::{Policy, Limit},\n    store::Users,\n};\n";
    let found = RUNTIME.violations("crypto/hash.rs", text);
    assert_eq!(
        found,
        ["crypto/hash.rs:4: `crypto` may not import `crate::store`: a later layer"]
    );
}

#[test]
fn a_path_inside_an_expression_is_looked_at() {
    let found = RUNTIME.violations(
        "store/mod.rs",
        "fn f() {\n    crate::routing::table();\n}\n",
    );
    assert_eq!(
        found,
        ["store/mod.rs:2: `store` may not import `crate::routing`: a later layer"]
    );
}

#[test]
fn climbing_by_super_is_no_way_around() {
    let found = RUNTIME.violations(
        "store/sql/users.rs",
        "use super::super::super::engine::Engine;\n",
    );
    assert_eq!(
        found,
        ["store/sql/users.rs:1: `store` may not import `crate::engine`: a later layer"]
    );
    let inside = "mod tests {\n    use super::super::super::engine::Engine;\n    use super::super::dialect;\n}\n";
    let found = RUNTIME.violations("store/text.rs", inside);
    assert_eq!(
        found,
        ["store/text.rs:2: `store` may not import `crate::engine`: a later layer"]
    );
}

#[test]
fn a_feature_that_imports_another_is_reported() {
    for file in ["features/account/flow.rs", "features/account/routes.rs"] {
        let found = RUNTIME.violations(file, "use crate::features::session::flow::sign_in;\n");
        assert_eq!(
            found,
            [format!(
                "{file}:1: the feature `account` may not import the feature `session`"
            )]
        );
    }
    let found = RUNTIME.violations(
        "features/account/routes.rs",
        "use super::super::session::routes::cookie;\n",
    );
    assert_eq!(
        found,
        [
            "features/account/routes.rs:1: the feature `account` may not import the feature `session`"
        ]
    );
    let found = MACROS.violations(
        "features/lockout.rs",
        "use crate::features::{names, session::Session};\n",
    );
    assert_eq!(
        found,
        ["features/lockout.rs:1: the feature `lockout` may not import the feature `session`"]
    );
}

#[test]
fn the_registry_may_name_every_feature() {
    let text =
        "use self::session::SPEC;\nconst ALL: &[Spec] = &[crate::features::account::SPEC];\n";
    assert_eq!(RUNTIME.violations("features/mod.rs", text), [""; 0]);
}

#[test]
fn a_lower_layer_may_not_reach_into_a_feature() {
    let found = RUNTIME.violations("engine.rs", "use crate::features::session::flow::Opened;\n");
    assert_eq!(
        found,
        ["engine.rs:1: `engine` may not import `crate::features::session::flow`: a later layer"]
    );
    let found = RUNTIME.violations(
        "features/session/flow.rs",
        "use crate::features::session::routes::Body;\n",
    );
    let text = "features/session/flow.rs:1: `flow` may not import `crate::features::session::routes`: a later layer";
    assert_eq!(found, [text]);
}

#[test]
fn a_module_without_a_layer_is_reported() {
    let found = RUNTIME.violations("util.rs", "");
    assert_eq!(
        found,
        ["util.rs: `util` has no layer; give it one in tests/house/layers.rs"]
    );
    let found = RUNTIME.violations("store/mod.rs", "use crate::util::x;\n");
    assert_eq!(
        found,
        ["store/mod.rs:1: `crate::util` has no layer; give it one in tests/house/layers.rs"]
    );
}

#[test]
fn the_macros_have_the_same_rule() {
    let found = MACROS.violations("read/user.rs", "use crate::expand::hidden;\n");
    assert_eq!(
        found,
        ["read/user.rs:1: `read` may not import `crate::expand`: a later layer"]
    );
}

#[test]
fn what_is_allowed_is_not_reported() {
    let text = r##"
//! use crate::http::Problem;
/* use crate::http::Problem; /* nested */ use crate::routing; */
use crate::clock::Clock; // crate::http
use crate::policy::{self, Limit};
use crate::{Error, crypto::Hash};
use ::crudauth::http::Problem;
use other_crate::http::Problem;
const TEXT: &str = "use crate::http::Problem;";
const RAW: &str = r#"use crate::http::"Problem";"#;
const QUOTE: char = '"';
fn borrowed<'a>(text: &'a str) -> &'a str { text }
pub(crate) fn f() { crate::some_macro!(); }
use super::super::super::error::Result;
"##;
    assert_eq!(RUNTIME.violations("store/sql/users.rs", text), [""; 0]);
    assert_eq!(
        RUNTIME.violations("crypto/policy.rs", "use crate::policy::Argon2Params;\n"),
        [""; 0]
    );
    let own = "use super::flow::sign_in;\nuse crate::features::session::flow::Opened;\nuse crate::http::Problem;\n";
    assert_eq!(
        RUNTIME.violations("features/session/routes.rs", own),
        [""; 0]
    );
}

fn assert_clean(krate: &Crate) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(krate.root);
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    assert!(!files.is_empty(), "no source in {}", root.display());
    let found: Vec<String> = files
        .iter()
        .flat_map(|path| {
            let relative = path
                .strip_prefix(&root)
                .unwrap()
                .to_str()
                .unwrap()
                .replace('\\', "/");
            krate.violations(&relative, &fs::read_to_string(path).unwrap())
        })
        .collect();
    assert!(
        found.is_empty(),
        "{} wrong imports in {}:\n  {}",
        found.len(),
        krate.root,
        found.join("\n  ")
    );
}

fn rust_files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, out);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            out.push(path);
        }
    }
    out.sort();
}

impl Crate {
    fn violations(&self, file: &str, text: &str) -> Vec<String> {
        let module = module_of(file);
        if module.is_empty() {
            return vec![]; // lib.rs names every module, and the tests of the whole crate may
        }
        let Some(own) = self.layer(&module) else {
            return vec![format!(
                "{file}: `{}` has no layer; give it one in tests/house/layers.rs",
                module[0]
            )];
        };
        let mut found: Vec<String> = imports(text, &module)
            .into_iter()
            .filter_map(|import| {
                Some(format!(
                    "{file}:{}: {}",
                    import.line,
                    self.judge(&module, own, &import.path)?
                ))
            })
            .collect();
        found.dedup();
        found
    }

    fn judge(&self, module: &[String], own: usize, path: &[String]) -> Option<String> {
        let first = path.first()?;
        if first.starts_with(char::is_uppercase) || first.ends_with('!') {
            return None; // an item of lib.rs, or a macro
        }
        if let (Some(mine), Some(theirs)) = (feature(module), feature(path))
            && mine != theirs
        {
            return Some(format!(
                "the feature `{mine}` may not import the feature `{theirs}`"
            ));
        }
        let Some(target) = self.layer(path) else {
            return Some(format!(
                "`crate::{first}` has no layer; give it one in tests/house/layers.rs"
            ));
        };
        let shown = if first == "features" {
            path[..path.len().min(3)].join("::")
        } else {
            first.clone()
        };
        (target > own).then(|| {
            format!(
                "`{}` may not import `crate::{shown}`: a later layer",
                self.name_of(own, module)
            )
        })
    }

    fn name_of<'a>(&self, layer: usize, module: &'a [String]) -> &'a str {
        match (self.features_of(module), layer) {
            (Some("flow"), _) => "flow",
            (Some(_), _) => "routes",
            (None, _) => &module[0],
        }
    }

    fn features_of(&self, path: &[String]) -> Option<&'static str> {
        if path.first()? != "features" || matches!(self.features, Features::Layer) {
            return None;
        }
        Some(
            if path.get(2).is_some_and(|name| name.starts_with("flow")) {
                "flow"
            } else {
                "routes"
            },
        )
    }

    fn layer(&self, path: &[String]) -> Option<usize> {
        let name = self.features_of(path).unwrap_or(path.first()?);
        self.layers.iter().position(|row| row.contains(&name))
    }
}

/// The feature whose folder or file a path leads into. `features/mod.rs` and its own items belong to none.
fn feature(path: &[String]) -> Option<&str> {
    let [first, name, ..] = path else { return None };
    let is_module = first == "features"
        && name.starts_with(char::is_lowercase)
        && !REGISTRY.contains(&name.as_str());
    is_module.then_some(name)
}

/// Functions and macros of a `features/mod.rs`, which look like modules.
const REGISTRY: &[&str] = &["names", "transports", "complete", "self"];

/// `store/sql/mod.rs` is `[store, sql]`; the crate's root is empty.
fn module_of(file: &str) -> Vec<String> {
    let path = file.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if matches!(path, "lib" | "main" | "tests") || path.starts_with("tests/") {
        vec![]
    } else {
        path.split('/').map(str::to_owned).collect()
    }
}

struct Import {
    line: usize,
    /// From the crate's root, without `crate`.
    path: Vec<String>,
}

/// Every path of `text` that starts at the crate's root.
fn imports(text: &str, module: &[String]) -> Vec<Import> {
    let tokens = tokens(text);
    let mut out = Vec::new();
    // For each open brace, the inline module that it belongs to.
    let mut open: Vec<Option<String>> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let word = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
        match word(at) {
            "{" => {
                let named = at >= 2 && word(at - 2) == "mod";
                open.push(named.then(|| word(at - 1).to_owned()));
            }
            "}" => drop(open.pop()),
            // `::crate` and `$crate` do not occur; `pub(crate)` has no `::` behind it.
            "crate" if word(at + 1) == "::" => {
                at = tree(&tokens, at + 2, &mut Vec::new(), &mut out);
            }
            "super" if word(at + 1) == "::" && (at == 0 || word(at - 1) != "::") => {
                let mut here: Vec<String> = module.to_vec();
                here.extend(open.iter().flatten().cloned());
                while word(at) == "super" && word(at + 1) == "::" {
                    here.pop();
                    at += 2;
                }
                at = tree(&tokens, at, &mut here, &mut out);
            }
            _ => {}
        }
        at += 1;
    }
    out
}

/// Reads what follows `prefix::` and returns the index of its last token.
fn tree(tokens: &[Token], mut at: usize, prefix: &mut Vec<String>, out: &mut Vec<Import>) -> usize {
    let depth = prefix.len();
    let word = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let line = tokens.get(at).map_or(0, |token| token.line);
    while word(at).starts_with(|c: char| c.is_alphabetic() || c == '_') {
        let bang = if word(at + 1) == "!" { "!" } else { "" };
        prefix.push(format!("{}{bang}", word(at)));
        if word(at + 1) != "::" {
            if word(at) == "self" {
                prefix.pop(); // `{self, …}` is the module itself
            }
            out.push(Import {
                line,
                path: prefix.clone(),
            });
            prefix.truncate(depth);
            return at;
        }
        at += 2;
    }
    if word(at) == "{" {
        at += 1;
        while !matches!(word(at), "}" | "") {
            if word(at) != "," {
                at = tree(tokens, at, prefix, out);
            }
            at += 1;
        }
    } else {
        out.push(Import {
            line,
            path: prefix.clone(),
        }); // a glob, or a generic list
    }
    prefix.truncate(depth);
    at
}

struct Token {
    text: String,
    line: usize,
}

/// Words, `::`, and single signs; no comments, no texts.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let peek = |at: usize| chars.get(at).copied().unwrap_or('\0');
    let mut out = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let start = at;
        match peek(at) {
            '/' if peek(at + 1) == '/' => {
                while at < chars.len() && peek(at) != '\n' {
                    at += 1;
                }
            }
            '/' if peek(at + 1) == '*' => {
                let mut depth = 0;
                loop {
                    match (peek(at), peek(at + 1)) {
                        ('/', '*') => (depth, at) = (depth + 1, at + 2),
                        ('*', '/') => (depth, at) = (depth - 1, at + 2),
                        _ => at += 1,
                    }
                    if depth == 0 || at >= chars.len() {
                        break;
                    }
                }
            }
            '"' => at = end_of_text(&chars, at),
            'r' | 'b' if raw_hashes(&chars, at).is_some() => {
                let (hashes, mut end) = raw_hashes(&chars, at).unwrap();
                let close: Vec<char> = std::iter::once('"')
                    .chain(std::iter::repeat_n('#', hashes))
                    .collect();
                while end < chars.len() && !chars[end..].starts_with(&close) {
                    end += 1;
                }
                at = end + close.len();
            }
            '\'' => {
                // A character; otherwise a lifetime, whose name is the next word.
                let end = if peek(at + 1) == '\\' {
                    (at + 3..at + 12).find(|&end| peek(end) == '\'')
                } else {
                    Some(at + 2)
                };
                at = end
                    .filter(|&end| peek(end) == '\'')
                    .map_or(at + 1, |end| end + 1);
            }
            ':' if peek(at + 1) == ':' => {
                out.push(Token {
                    text: "::".into(),
                    line,
                });
                at += 2;
            }
            c if c.is_alphanumeric() || c == '_' => {
                while peek(at).is_alphanumeric() || peek(at) == '_' {
                    at += 1;
                }
                out.push(Token {
                    text: chars[start..at].iter().collect(),
                    line,
                });
            }
            c => {
                if !c.is_whitespace() {
                    out.push(Token {
                        text: c.to_string(),
                        line,
                    });
                }
                at += 1;
            }
        }
        line += chars[start..at.min(chars.len())]
            .iter()
            .filter(|c| **c == '\n')
            .count();
    }
    out
}

fn end_of_text(chars: &[char], mut at: usize) -> usize {
    at += 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// Of `r#"` and `br#"`: the number of `#`, and where the text begins.
fn raw_hashes(chars: &[char], at: usize) -> Option<(usize, usize)> {
    let before = at.checked_sub(1).and_then(|before| chars.get(before));
    if before.is_some_and(|c| c.is_alphanumeric() || *c == '_') {
        return None;
    }
    let mut end = at + usize::from(chars.get(at) == Some(&'b'));
    if chars.get(end) != Some(&'r') {
        return None;
    }
    end += 1;
    let hashes = chars.iter().skip(end).take_while(|c| **c == '#').count();
    end += hashes;
    (chars.get(end) == Some(&'"')).then_some((hashes, end + 1))
}
