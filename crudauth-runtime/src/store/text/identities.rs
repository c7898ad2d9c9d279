//! The columns that hold identities, in statements that serve all of them.
//!
//! Such a statement takes one value for each of these columns, in the table's order: the subject for the provider's own, NULL for
//! the others. The number says which argument is the first of them. With columns `google_id` and `github_id`:
//!
//! | in a template | becomes |
//! |---|---|
//! | `{identities:is:2}` | `"google_id" = $2 OR "github_id" = $3` |
//! | `{identities:put:2}` | `"google_id" = COALESCE($2, "google_id"), "github_id" = …` |
//! | `{identities:free:2}` | `($2 IS NULL OR COALESCE("google_id", '') = '') AND (…)` |
//! | `{identities:drop:2}` | `"google_id" = NULLIF("google_id", $2), "github_id" = …` |
//! | `{identities:none}` | `"google_id" = NULL, "github_id" = NULL` |
//! | `{identities:after:2}` | `$4`: the first argument behind them |

use super::{Syntax, Text, eq, slice};
use crate::account::{Role, Table};

const PREFIX: &str = "identities:";

/// What stands behind `identities:`, for a name that begins so.
pub(super) const fn form(name: &str) -> Option<&str> {
    if name.len() > PREFIX.len() && eq(slice(name, 0, PREFIX.len()), PREFIX) {
        return Some(slice(name, PREFIX.len(), name.len()));
    }
    None
}

#[expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "bounded by the loops' conditions; runs in the compiler"
)]
pub(super) const fn write(out: &mut Text, form: &str, table: &Table, syntax: Syntax) {
    let (form, first) = split(form);
    let separator = match form.as_bytes() {
        b"is" => " OR ",
        b"free" => " AND ",
        b"put" | b"drop" | b"none" => ", ",
        b"after" => "",
        _ => panic!("a template mentions an unknown form of the identities"),
    };
    let (mut at, mut argument) = (0, first);
    while at < table.columns.len() {
        let column = &table.columns[at];
        at += 1;
        if !matches!(column.role, Role::Identity) {
            continue;
        }
        if argument > first {
            out.text(separator);
        }
        one(out, form, (column.name, argument), syntax);
        argument += 1;
    }
    if eq(form, "after") {
        value(out, argument);
    }
}

const fn one(out: &mut Text, form: &str, (name, argument): (&str, usize), syntax: Syntax) {
    match form.as_bytes() {
        b"is" => {
            out.quoted("", name, syntax.quote);
            out.text(" = ");
            value(out, argument);
        }
        b"put" => {
            out.quoted("", name, syntax.quote);
            out.text(" = COALESCE(");
            value(out, argument);
            out.text(", ");
            out.quoted("", name, syntax.quote);
            out.byte(b')');
        }
        b"free" => {
            out.byte(b'(');
            value(out, argument);
            out.text(" IS NULL OR COALESCE(");
            out.quoted("", name, syntax.quote);
            out.text(", '') = '')");
        }
        b"drop" => {
            out.quoted("", name, syntax.quote);
            out.text(" = NULLIF(");
            out.quoted("", name, syntax.quote);
            out.text(", ");
            value(out, argument);
            out.byte(b')');
        }
        b"none" => {
            out.quoted("", name, syntax.quote);
            out.text(" = NULL");
        }
        _ => {}
    }
}

const fn value(out: &mut Text, argument: usize) {
    out.byte(b'$');
    out.number(argument);
}

/// A form, and the number behind its colon.
#[expect(clippy::indexing_slicing, reason = "bounded by the loops' conditions")]
const fn split(form: &str) -> (&str, usize) {
    let bytes = form.as_bytes();
    let mut colon = 0;
    while colon < bytes.len() && bytes[colon] != b':' {
        colon += 1;
    }
    let (mut number, mut at) = (0, colon + 1);
    while at < bytes.len() {
        number = number * 10 + (bytes[at] - b'0') as usize;
        at += 1;
    }
    (slice(form, 0, colon), number)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SYNTAX, def};
    use super::super::{Names, render};
    use crate::account::{Fill, Role, Table};

    const NAMES: Names = Names {
        prefix: "auth_",
        users: Table {
            schema: None,
            name: "users",
            columns: &[
                def("id", Role::Id, Fill::Database),
                def("google_id", Role::Identity, Fill::Database),
                def("plan", Role::Own, Fill::Database),
                def("github_id", Role::Identity, Fill::Database),
            ],
        },
    };
    #[test]
    fn every_column_has_its_argument() {
        for (form, sql) in [
            ("is:1", r#""google_id" = $1 OR "github_id" = $2"#),
            (
                "put:2",
                r#""google_id" = COALESCE($2, "google_id"), "github_id" = COALESCE($3, "github_id")"#,
            ),
            (
                "free:2",
                r#"($2 IS NULL OR COALESCE("google_id", '') = '') AND ($3 IS NULL OR COALESCE("github_id", '') = '')"#,
            ),
            (
                "drop:10",
                r#""google_id" = NULLIF("google_id", $10), "github_id" = NULLIF("github_id", $11)"#,
            ),
            ("none", r#""google_id" = NULL, "github_id" = NULL"#),
            ("after:2", "$4"),
        ] {
            let template = format!("{{identities:{form}}}");
            assert_eq!(render(&template, &NAMES, SYNTAX).as_str(), sql);
        }
    }
}
