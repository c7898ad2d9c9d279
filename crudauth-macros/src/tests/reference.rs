//! The attribute reference of the guide is written from the tables that the parsers read.

use std::fmt::Write;
use std::path::PathBuf;

use crate::check::REFUSED;
use crate::features;
use crate::model::Role;
use crate::read::section::Key;
use crate::read::{require, user};

const HEAD: &str = "# Attribute reference

Every attribute and key, with what leaving it out means. A *switch* is the word alone, or `= true` and `= false`; a
*lifetime* is a text with a unit, such as `\"30s\"`, `\"15m\"`, `\"12h\"` or `\"14d\"`. What begins with `danger_` re-opens
the attack that its line names.
";

fn page() -> String {
    let mut out = HEAD.to_owned();
    heading(
        &mut out,
        "##",
        "`#[derive(AuthUser)]`",
        "Above the struct, inside `#[auth(…)]`.",
    );
    keys(&mut out, user::STRUCT_KEYS);
    let text = "On a field, inside `#[auth(…)]`: what crudauth uses the column for. A field called like a role has it; `own` takes it away.";
    heading(&mut out, "###", "Roles", text);
    out.push_str("| role | also | what it is |\n|---|---|---|\n");
    for (word, others, doc) in Role::ALL {
        let others: Vec<_> = others.iter().map(|other| format!("`{other}`")).collect();
        writeln!(out, "| `{word}` | {} | {doc} |", others.join(", ")).unwrap();
    }
    let text = "On a field, inside `#[auth(…)]`, beside its role.";
    heading(&mut out, "###", "Columns", text);
    keys(&mut out, user::FIELD_KEYS);
    let text = "Each section is an attribute above `pub struct Auth<User>;`. `#[crate(::path)]` there says where the crate is found when Cargo.toml renames it.";
    heading(&mut out, "##", "`auth!`", text);
    for section in features::ALL {
        heading(
            &mut out,
            "###",
            &format!("`#[{}]`", section.name),
            section.doc,
        );
        if !section.keys.is_empty() {
            keys(&mut out, section.keys);
        }
    }
    heading(
        &mut out,
        "###",
        "Refused combinations",
        "Unless `#[allow(…)]` names them.",
    );
    out.push_str("| rule | why |\n|---|---|\n");
    for rule in REFUSED {
        writeln!(out, "| `{}` | {} |", rule.name, rule.attack).unwrap();
    }
    let text = "Above a handler, or a function that takes `&Principal<Auth>`. A path that begins with an upper-case letter, or has `::`, is a type of yours that implements `Gate`.";
    heading(&mut out, "##", "`#[require]`", text);
    keys(&mut out, require::KEYS);
    let text = "Above a handler that everybody may call. Its only key is `crate`, as above.";
    heading(&mut out, "##", "`#[public]`", text);
    out.replace("\n\n\n", "\n\n").trim_end().to_owned() + "\n"
}

fn heading(out: &mut String, level: &str, title: &str, text: &str) {
    write!(out, "\n{level} {title}\n\n{text}\n\n").unwrap();
}

fn keys(out: &mut String, keys: &[Key]) {
    out.push_str("| key | takes | left out | |\n|---|---|---|---|\n");
    rows(out, "", keys);
}

fn rows(out: &mut String, group: &str, keys: &[Key]) {
    for key in keys {
        let name = if group.is_empty() {
            key.name.to_owned()
        } else {
            format!("{group}({})", key.name)
        };
        let default = if key
            .default
            .starts_with(|c: char| c == '"' || c.is_ascii_digit())
        {
            format!("`{}`", key.default)
        } else {
            key.default.to_owned()
        };
        let kind = quoted(key.kind);
        writeln!(out, "| `{name}` | {kind} | {default} | {} |", key.doc).unwrap();
        rows(out, key.name, key.nested);
    }
}

/// What stands in quotes is to be typed, so it is shown as code.
fn quoted(text: &str) -> String {
    let parts = text.split('"').enumerate().map(|(at, part)| match at % 2 {
        0 => part.to_owned(),
        _ => format!("`\"{part}\"`"),
    });
    parts.collect()
}

#[test]
fn the_reference_is_up_to_date() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../src/guide/reference.md");
    let page = page();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&path).unwrap_or_default(),
        page,
        "run with BLESS=1 to record"
    );
}

#[test]
fn every_key_is_documented() {
    fn check(keys: &[Key]) {
        for key in keys {
            let said = !key.default.is_empty() || !key.nested.is_empty();
            assert!(
                key.doc.ends_with('.') && !key.kind.is_empty() && said,
                "{}",
                key.name
            );
            check(key.nested);
        }
    }
    for section in features::ALL {
        assert!(section.doc.ends_with('.'), "{}", section.name);
        check(section.keys);
    }
    check(user::STRUCT_KEYS);
    check(user::FIELD_KEYS);
    check(require::KEYS);
}
