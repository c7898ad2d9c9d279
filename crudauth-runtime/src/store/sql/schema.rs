//! Data definition: our own tables, and the application's in development.
//!
//! Text made from names that the macros checked and from the dialect's own words; no value of a request comes near it.

use super::{Prefix, Schema, UserRow};
use crate::account::{AccountKey, Fill, RawKey, Repr, Role};
use crate::store::dialect::{Column, Dialect};

/// One step of our schema. Steps are only ever added: what has been published stays as it is.
pub(super) struct Migration {
    pub(super) id: &'static str,
    /// The tables that it makes, without the prefix.
    pub(super) makes: &'static [&'static str],
    text: &'static str,
}

/// The tables that requests use, without the prefix.
pub(super) const TABLES: &[&str] = &[
    "sessions",
    "attempts",
    "limits",
    "usernames",
    "tokens",
    "outbox",
    "refresh_tokens",
    "elevations",
    "identities",
    "oauth_states",
];

/// In a migration, `{@name}` is our table, `{@@name}` an index of ours, `{key}` the type of the account's key, and
/// `{int}`, `{text}`, `{digest}`, `{end}` the dialect's words.
pub(super) const MIGRATIONS: &[Migration] = &[
    ACCOUNTS_AND_SESSIONS,
    LINKS_AND_MESSAGES,
    REFRESH_TOKENS,
    ELEVATIONS,
    IDENTITIES,
];

const ACCOUNTS_AND_SESSIONS: Migration = Migration {
    id: "0001_accounts_and_sessions",
    makes: &["sessions", "attempts", "limits", "usernames"],
    text: "
CREATE TABLE {@sessions} (
  id {digest} NOT NULL PRIMARY KEY,
  user_id {key} NOT NULL,
  csrf {digest},
  token_version {int} NOT NULL,
  created_at {int} NOT NULL,
  last_activity {int} NOT NULL,
  expires_at {int} NOT NULL,
  absolute_at {int} NOT NULL,
  idle {int} NOT NULL,
  remember {int} NOT NULL,
  ip {text},
  user_agent {text}
{end};
CREATE INDEX {@@sessions_by_user} ON {@sessions} (user_id);
CREATE INDEX {@@sessions_by_expiry} ON {@sessions} (expires_at);
CREATE TABLE {@attempts} (
  id {digest} NOT NULL PRIMARY KEY,
  window_start {int} NOT NULL,
  failures {int} NOT NULL,
  pending {int} NOT NULL,
  pending_until {int} NOT NULL,
  locked_until {int} NOT NULL,
  rounds {int} NOT NULL,
  rounds_until {int} NOT NULL,
  run {int} NOT NULL,
  expires_at {int} NOT NULL
{end};
CREATE INDEX {@@attempts_by_expiry} ON {@attempts} (expires_at);
CREATE TABLE {@limits} (
  id {digest} NOT NULL PRIMARY KEY,
  window_start {int} NOT NULL,
  hits {int} NOT NULL,
  expires_at {int} NOT NULL
{end};
CREATE INDEX {@@limits_by_expiry} ON {@limits} (expires_at);
CREATE TABLE {@usernames} (
  folded {key_text} NOT NULL PRIMARY KEY,
  user_id {key} NOT NULL
{end};
CREATE INDEX {@@usernames_by_user} ON {@usernames} (user_id);
",
};

const LINKS_AND_MESSAGES: Migration = Migration {
    id: "0002_links_and_messages",
    makes: &["tokens", "outbox"],
    text: "
CREATE TABLE {@tokens} (
  id {key_text} NOT NULL PRIMARY KEY,
  user_id {key} NOT NULL,
  kind {text} NOT NULL,
  secret {digest} NOT NULL,
  state {digest} NOT NULL,
  address {text},
  redirect_to {text},
  created_at {int} NOT NULL,
  expires_at {int} NOT NULL,
  used_at {int},
  guesses {int} NOT NULL,
  first_proof {int} NOT NULL
);
CREATE INDEX {@@tokens_by_user} ON {@tokens} (user_id);
CREATE INDEX {@@tokens_by_expiry} ON {@tokens} (expires_at);
CREATE TABLE {@outbox} (
  id {key_text} NOT NULL PRIMARY KEY,
  kind {text} NOT NULL,
  user_id {key},
  target {text},
  recipient {text},
  link {text},
  state {digest},
  redirect_to {text},
  attempts {int} NOT NULL,
  next_at {int} NOT NULL,
  created_at {int} NOT NULL,
  expires_at {int} NOT NULL
);
CREATE INDEX {@@outbox_by_turn} ON {@outbox} (next_at);
CREATE INDEX {@@outbox_by_user} ON {@outbox} (user_id);
",
};

const REFRESH_TOKENS: Migration = Migration {
    id: "0003_refresh_tokens",
    makes: &["refresh_tokens"],
    text: "
CREATE TABLE {@refresh_tokens} (
  id {key_text} NOT NULL PRIMARY KEY,
  user_id {key} NOT NULL,
  generation {int} NOT NULL,
  secret {digest} NOT NULL,
  token_version {int} NOT NULL,
  scopes {text} NOT NULL,
  created_at {int} NOT NULL,
  rotated_at {int} NOT NULL,
  expires_at {int} NOT NULL
{end};
CREATE INDEX {@@refresh_tokens_by_user} ON {@refresh_tokens} (user_id);
CREATE INDEX {@@refresh_tokens_by_expiry} ON {@refresh_tokens} (expires_at);
",
};

const ELEVATIONS: Migration = Migration {
    id: "0004_elevations",
    makes: &["elevations"],
    text: "
CREATE TABLE {@elevations} (
  session_id {digest} NOT NULL,
  user_id {key} NOT NULL,
  method {key_text} NOT NULL,
  proven_at {int} NOT NULL,
  expires_at {int} NOT NULL,
  PRIMARY KEY (session_id, method)
{end};
CREATE INDEX {@@elevations_by_user} ON {@elevations} (user_id);
CREATE INDEX {@@elevations_by_expiry} ON {@elevations} (expires_at);
",
};

const IDENTITIES: Migration = Migration {
    id: "0005_identities",
    makes: &["identities", "oauth_states"],
    text: "
CREATE TABLE {@identities} (
  id {digest} NOT NULL PRIMARY KEY,
  user_id {key} NOT NULL,
  provider {text} NOT NULL,
  issuer {text} NOT NULL,
  subject {text} NOT NULL,
  email {text},
  tokens {text},
  created_at {int} NOT NULL,
  last_used_at {int} NOT NULL
{end};
CREATE INDEX {@@identities_by_user} ON {@identities} (user_id);
CREATE TABLE {@oauth_states} (
  id {digest} NOT NULL PRIMARY KEY,
  provider {text} NOT NULL,
  journey {text} NOT NULL,
  user_id {key},
  session_id {digest},
  redirect_to {text},
  remember {int} NOT NULL,
  said {text},
  challenge {text},
  scopes {text},
  token_version {int},
  created_at {int} NOT NULL,
  expires_at {int} NOT NULL
{end};
CREATE INDEX {@@oauth_states_by_user} ON {@oauth_states} (user_id);
CREATE INDEX {@@oauth_states_by_expiry} ON {@oauth_states} (expires_at);
",
};

impl Migration {
    pub(super) fn render<D: Dialect, S: Schema<User: UserRow<D>>>(&self) -> String {
        render::<D, S>(self.text)
    }
}

/// The table that remembers which steps have been taken.
pub(super) fn ledger<D: Dialect, S: Schema<User: UserRow<D>>>() -> String {
    render::<D, S>(
        "CREATE TABLE IF NOT EXISTS {@migrations} (id {key_text} NOT NULL PRIMARY KEY, applied_at {int} NOT NULL)",
    )
}

fn render<D: Dialect, S: Schema<User: UserRow<D>>>(text: &str) -> String {
    let quote = char::from(D::SYNTAX.quote);
    let key = D::declare(&<Key<D, S> as Column<D>>::type_info());
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, tail) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(before);
        match name {
            "int" => out.push_str(D::TYPES.int),
            "text" => out.push_str(D::TYPES.text),
            "key_text" => out.push_str(D::TYPES.key_text),
            "digest" => out.push_str(D::TYPES.digest),
            "end" => out.push_str(D::TYPES.end),
            "key" => out.push_str(&key),
            table => {
                let table = table.trim_start_matches('@');
                out.extend([quote]);
                out.push_str(S::Prefix::TEXT);
                out.push_str(table);
                out.push(quote);
            }
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

type Key<D, S> = <<S as Schema>::User as UserRow<D>>::Key;

/// The statements that create our own tables, for applications that run their own migration tool. They include the
/// ledger rows, so that crudauth sees at start-up that nothing is left to do.
#[must_use]
pub fn schema_sql<D: Dialect, S: Schema<User: UserRow<D>>>() -> String {
    let mut out = ledger::<D, S>();
    out.push_str(";\n");
    for migration in MIGRATIONS {
        out.push_str(migration.render::<D, S>().trim_start());
        let row = format!(
            "INSERT INTO {{@migrations}} (id, applied_at) VALUES ('{}', 0);\n",
            migration.id
        );
        out.push_str(&render::<D, S>(&row));
    }
    out
}

/// `CREATE TABLE` for the application's account table, for development and as a start for its own migration.
#[must_use]
pub fn create_table<D: Dialect, U: UserRow<D>>() -> String {
    let quote = char::from(D::SYNTAX.quote);
    let quoted = |name: &str| format!("{quote}{name}{quote}");
    let table = U::TABLE;
    let name = table.quoted(quote);
    let columns = table.columns.iter().zip(U::types()).map(|(column, info)| {
        let mut line = format!("  {} ", quoted(column.name));
        match column.role {
            Role::Id if !<U::Id as AccountKey>::Inner::GENERATED => line.push_str(D::IDENTITY),
            Role::Id => {
                line.push_str(&D::declare(&info));
                line.push_str(" NOT NULL PRIMARY KEY");
            }
            role => {
                line.push_str(&D::declare(&info));
                line.push_str(if column.nullable { "" } else { " NOT NULL" });
                // A NOT NULL column that nothing fills could never be inserted into.
                if column.fill == Fill::Database && !column.nullable && role == Role::Own {
                    let nil = column.repr.and_then(Repr::nil);
                    let default = nil.or_else(|| D::filler(&info));
                    line.extend(default.into_iter().flat_map(|value| [" DEFAULT ", value]));
                }
                if column.unique || matches!(role, Role::Email | Role::Username | Role::Recovery) {
                    line.push_str(" UNIQUE");
                }
            }
        }
        line
    });
    let columns: Vec<String> = columns.collect();
    let schema = table.schema.and_then(D::create_schema);
    format!(
        "{}CREATE TABLE IF NOT EXISTS {name} (\n{}\n)",
        schema.map(|text| text + ";\n").unwrap_or_default(),
        columns.join(",\n")
    )
}
