//! SQL text, put together by the compiler.
//!
//! Every statement of crudauth is a template in which names stand in braces. [`render`] fills them in while the
//! application is being compiled, so that what reaches sqlx is a `&'static str`: nothing that arrives at run time can
//! become SQL, and sqlx's `SqlSafeStr` holds us to it.
//!
//! | in a template | becomes |
//! |---|---|
//! | `{@sessions}` | our own table, with prefix and schema, quoted |
//! | `{users}` | the application's table, quoted |
//! | `{email}`, `{id}`, … | the application's column for that role, quoted; `NULL` where it has none |
//! | `{factor}`, `{verified}` | the column that a lost password is recovered by, and the one that says it is proven |
//! | `{u.*}` | all the application's columns, qualified by `u`, in field order |
//! | `{identities:is:2}`, … | all the columns that hold identities, each with its argument (`text/identities.rs`) |
//! | `{insert}` | `("email", …) VALUES ($1, …)` for the columns a new row is given |
//! | `{lock}` | the dialect's row lock for a SELECT inside a write transaction |
//! | `{lock:free}` | the same, passing over rows that somebody else has locked |
//! | `[token_version: …]` | the text between, only where the application has that column |

use crate::account::{ColumnDef, Fill, Role, Table};

mod identities;
mod strings;

pub(crate) use strings::eq;
use strings::{find, slice};

/// Longest statement, in bytes. A longer one does not compile.
const CAPACITY: usize = 8192;

/// How one database product writes SQL.
#[derive(Debug, Clone, Copy)]
pub struct Syntax {
    /// Quotes an identifier on both sides.
    pub quote: u8,
    /// Ends a SELECT whose rows the transaction is about to change.
    pub row_lock: &'static str,
    /// Ends a SELECT of rows to change that somebody else may have locked: those are passed over.
    pub free_row_lock: &'static str,
}

/// The names a template may mention.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    /// Put before the names of our own tables.
    pub prefix: &'static str,
    /// The application's table.
    pub users: Table,
}

/// A rendered statement.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    bytes: [u8; CAPACITY],
    len: usize,
}

#[expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "runs in the compiler, where a panic is a compile error"
)]
impl Text {
    const EMPTY: Self = Self {
        bytes: [0; CAPACITY],
        len: 0,
    };

    /// All of `parts`, one after another.
    #[cfg_attr(
        not(feature = "oauth"),
        expect(dead_code, reason = "says what is wrong with a column of that feature")
    )]
    pub(crate) const fn of(parts: &[&str]) -> Self {
        let mut out = Self::EMPTY;
        let mut at = 0;
        while at < parts.len() {
            out.text(parts[at]);
            at += 1;
        }
        out
    }

    /// The statement.
    ///
    /// # Panics
    /// Never: what [`render`] writes is UTF-8.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => panic!("a rendered statement is UTF-8"),
        }
    }

    const fn byte(&mut self, byte: u8) {
        assert!(
            self.len < CAPACITY,
            "the account table has too many columns for one statement"
        );
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    const fn text(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            self.byte(bytes[at]);
            at += 1;
        }
    }

    const fn number(&mut self, number: usize) {
        if number >= 10 {
            self.number(number / 10);
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a decimal digit; `try_from` is not const"
        )]
        self.byte(b'0' + (number % 10) as u8);
    }

    const fn quoted(&mut self, before: &str, name: &str, quote: u8) {
        self.byte(quote);
        self.text(before);
        self.text(name);
        self.byte(quote);
    }
}

/// Fills `template` in.
///
/// # Panics
/// On an unknown name or an unclosed brace: in the compiler, where that is an error message.
#[must_use]
#[expect(
    clippy::indexing_slicing,
    reason = "runs in the compiler, where a panic is a compile error"
)]
pub const fn render(template: &str, names: &Names, syntax: Syntax) -> Text {
    let bytes = template.as_bytes();
    let mut out = Text::EMPTY;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' => {
                let end = find(bytes, at, b'}');
                name(&mut out, slice(template, at + 1, end), names, syntax);
                at = end + 1;
            }
            b'[' => {
                // A conditional part: skip to its end, or step inside and drop the closing bracket when it comes.
                let colon = find(bytes, at, b':');
                at = if present(slice(template, at + 1, colon), names) {
                    colon + 1
                } else {
                    find(bytes, at, b']') + 1
                };
            }
            b']' => at += 1,
            byte => {
                out.byte(byte);
                at += 1;
            }
        }
    }
    out
}

#[expect(clippy::panic, reason = "runs in the compiler")]
const fn present(name: &str, names: &Names) -> bool {
    if eq(name, "verified") {
        return names.users.factor_verified().is_some();
    }
    match role(name) {
        Some(role) => names.users.has(role),
        None => panic!("a conditional part names an unknown role"),
    }
}

#[expect(clippy::panic, reason = "runs in the compiler")]
const fn name(out: &mut Text, name: &str, names: &Names, syntax: Syntax) {
    if let Some((b'@', _)) = name.as_bytes().split_first() {
        out.quoted(names.prefix, slice(name, 1, name.len()), syntax.quote);
    } else if eq(name, "users") {
        table(out, &names.users, syntax);
    } else if eq(name, "u.*") {
        columns(out, &names.users, syntax);
    } else if eq(name, "insert") {
        insert(out, &names.users, syntax);
    } else if eq(name, "factor") {
        column(out, names.users.factor(), syntax);
    } else if eq(name, "verified") {
        column(out, names.users.factor_verified(), syntax);
    } else if let Some(form) = identities::form(name) {
        identities::write(out, form, &names.users, syntax);
    } else if eq(name, "lock") {
        out.text(syntax.row_lock);
    } else if eq(name, "lock:free") {
        out.text(syntax.free_row_lock);
    } else {
        match role(name) {
            Some(role) => column(out, names.users.column(role), syntax),
            None => panic!("a template mentions an unknown name"),
        }
    }
}

const fn column(out: &mut Text, column: Option<&ColumnDef>, syntax: Syntax) {
    match column {
        Some(column) => out.quoted("", column.name, syntax.quote),
        None => out.text("NULL"),
    }
}

const fn table(out: &mut Text, table: &Table, syntax: Syntax) {
    if let Some(schema) = table.schema {
        out.quoted("", schema, syntax.quote);
        out.byte(b'.');
    }
    out.quoted("", table.name, syntax.quote);
}

#[expect(clippy::indexing_slicing, reason = "bounded by the loop's condition")]
const fn columns(out: &mut Text, table: &Table, syntax: Syntax) {
    let mut at = 0;
    while at < table.columns.len() {
        let column = &table.columns[at];
        if at > 0 {
            out.text(", ");
        }
        out.text("u.");
        out.quoted("", column.name, syntax.quote);
        at += 1;
    }
}

#[expect(clippy::indexing_slicing, reason = "bounded by the loop's condition")]
const fn insert(out: &mut Text, table: &Table, syntax: Syntax) {
    out.byte(b'(');
    let (mut at, mut filled) = (0, 0);
    while at < table.columns.len() {
        if !matches!(table.columns[at].fill, Fill::Database) {
            if filled > 0 {
                out.text(", ");
            }
            out.quoted("", table.columns[at].name, syntax.quote);
            filled += 1;
        }
        at += 1;
    }
    out.text(") VALUES (");
    at = 0;
    while at < filled {
        if at > 0 {
            out.text(", ");
        }
        out.byte(b'$');
        out.number(at + 1);
        at += 1;
    }
    out.byte(b')');
}

const fn role(name: &str) -> Option<Role> {
    const ROLES: [(&str, Role); 13] = [
        ("id", Role::Id),
        ("email", Role::Email),
        ("username", Role::Username),
        ("password_hash", Role::PasswordHash),
        ("email_verified", Role::EmailVerified),
        ("recovery", Role::Recovery),
        ("recovery_verified", Role::RecoveryVerified),
        ("is_active", Role::IsActive),
        ("is_superuser", Role::IsSuperuser),
        ("identity", Role::Identity),
        ("token_version", Role::TokenVersion),
        ("created_at", Role::CreatedAt),
        ("updated_at", Role::UpdatedAt),
    ];
    let mut at = 0;
    while at < ROLES.len() {
        #[expect(clippy::indexing_slicing, reason = "bounded by the loop's condition")]
        let (word, role) = ROLES[at];
        if eq(word, name) {
            return Some(role);
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) const fn def(name: &'static str, role: Role, fill: Fill) -> ColumnDef {
        ColumnDef {
            field: name,
            name,
            role,
            fill,
            nullable: false,
            unique: false,
            repr: None,
            register: false,
            max_length: None,
            provider: None,
        }
    }

    const NAMES: Names = Names {
        prefix: "auth_",
        users: Table {
            schema: None,
            name: "users",
            columns: &[
                def("id", Role::Id, Fill::Database),
                def("email", Role::Email, Fill::Library),
                def("plan", Role::Own, Fill::Columns),
            ],
        },
    };
    pub(super) const SYNTAX: Syntax = Syntax {
        quote: b'"',
        row_lock: " FOR UPDATE",
        free_row_lock: " FOR UPDATE SKIP LOCKED",
    };

    const fn rendered(template: &str) -> Text {
        render(template, &NAMES, SYNTAX)
    }

    #[test]
    fn names_are_filled_in_and_quoted() {
        assert_eq!(
            rendered("SELECT {u.*} FROM {users} u JOIN {@sessions} s ON s.user_id = u.{id}{lock}")
                .as_str(),
            r#"SELECT u."id", u."email", u."plan" FROM "users" u JOIN "auth_sessions" s ON s.user_id = u."id" FOR UPDATE"#
        );
        assert_eq!(
            rendered("INSERT INTO {users} {insert}").as_str(),
            r#"INSERT INTO "users" ("email", "plan") VALUES ($1, $2)"#
        );
    }

    #[test]
    fn a_part_for_an_absent_column_disappears() {
        assert_eq!(
            rendered("a[token_version:, {token_version} = 1][email:, {email}]b").as_str(),
            r#"a, "email"b"#
        );
        assert_eq!(rendered("{username} = $1").as_str(), "NULL = $1");
    }

    #[test]
    fn rendering_happens_in_the_compiler() {
        const SQL: &str = {
            const TEXT: &Text = &rendered("DELETE FROM {@sessions}");
            TEXT.as_str()
        };
        assert_eq!(SQL, r#"DELETE FROM "auth_sessions""#);
    }
}
