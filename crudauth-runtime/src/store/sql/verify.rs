//! Comparing the live tables with what the struct says and what our statements need.

use super::misfit::misfit;
use super::schema::TABLES;
use super::{Prefix, Schema, SqlStore, UserRow};
use crate::account::{AuthUser, ColumnDef, Fill, Role, Table};
use crate::crypto::PasswordHash;
use crate::error::Result;
use crate::store::Difference;
use crate::store::dialect::{Column, Dialect};
use crate::store::live::{LiveColumn, LiveTable};

/// What keeps our own tables from being used by the role that we are.
pub(super) async fn own_tables<D, S>(store: &SqlStore<D, S>) -> Result<Vec<Difference>>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    let mut held = store.in_time(store.hold()).await?;
    let mut found = Vec::new();
    for table in TABLES {
        let name = format!("{}{table}", S::Prefix::TEXT);
        let Some(live) = D::describe(&mut held, None, &name).await? else {
            found.push(Difference::from(format!(
                "there is no table `{name}`: let crudauth create its tables (`migrate_at_start`, or `migrate` with a role \
                 that may), or run what `schema_sql` gives"
            )));
            continue;
        };
        if let Some(closed) = closed(&name, &live, &["SELECT", "INSERT", "UPDATE", "DELETE"]) {
            found.push(closed.into());
        }
        let key = <Key<D, S> as Column<D>>::type_info();
        let user = live.columns.iter().find(|column| column.name == "user_id");
        if let Some(user) = user.filter(|user| !D::fits(&user.sql_type, &key)) {
            found.push(Difference::from(format!(
                "`{name}.user_id` is declared `{}`, but the account's key is stored as `{}`: the tables were made for another \
                 key; drop those of crudauth, and they are made anew",
                user.sql_type,
                D::declare(&key)
            )));
        }
        let all = |right: fn(&LiveColumn) -> bool| live.columns.iter().all(right);
        let rights = [
            ("SELECT", all(|column| column.rights.select)),
            ("INSERT", all(|column| column.rights.insert)),
            ("UPDATE", all(|column| column.rights.update)),
            ("DELETE", live.delete),
        ];
        let missing: Vec<_> = rights
            .iter()
            .filter(|right| !right.1)
            .map(|right| right.0)
            .collect();
        if !missing.is_empty() {
            found.push(missing_right::<D>(&missing.join(", "), &name).into());
        }
    }
    Ok(found)
}

type Key<D, S> = <<S as Schema>::User as UserRow<D>>::Key;

/// What the role may not do in a table of ours, and the statement that lets it.
pub(super) fn missing_right<D: Dialect>(right: &str, name: &str) -> String {
    format!(
        "the database role may not {right} in `{name}`: write `GRANT {right} ON {} TO` that role",
        quoted::<D>(name)
    )
}

/// What the live account table is not, column by column.
pub(super) async fn differences<D, S>(
    store: &SqlStore<D, S>,
    moves: bool,
) -> Result<Vec<Difference>>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    let table = <S::User as AuthUser>::TABLE;
    let mut held = store.in_time(store.hold()).await?;
    let Some(live) = D::describe(&mut held, table.schema, table.name).await? else {
        return Ok(vec![Difference::from(format!(
            "there is no table `{}`; create it with your migrations, or with the statement that \
             `create_table_sql` gives",
            full_name(&table)
        ))]);
    };
    if let Some(kind) = live.instead {
        return Ok(vec![Difference::from(format!(
            "`{}` is {kind}: name the table that holds the accounts",
            full_name(&table)
        ))]);
    }
    let mut found = Vec::new();
    if let (false, Some(schema)) = (live.reachable, table.schema) {
        found.push(Difference::from(format!(
            "the database role may not use the schema `{schema}`: write `GRANT USAGE ON SCHEMA {} TO` that role",
            quoted::<D>(schema)
        )));
    }
    for (column, wanted) in table.columns.iter().zip(S::User::types()) {
        let Some(actual) = live
            .columns
            .iter()
            .find(|live| D::same_name(&live.name, column.name))
        else {
            found.push(
                format!(
                    "`{}.{}` is missing (field `{}`)",
                    table.name, column.name, column.field
                )
                .into(),
            );
            continue;
        };
        if let Some(text) = misfit::<D>(&mut held, &table, column, actual, &wanted).await? {
            found.push(text.into());
        }
        compare::<D>(&table, column, actual, &mut found);
        let changed = changes(column.role, moves);
        rights::<D>(&table, column, (actual, changed), &mut found);
    }
    unfilled::<D>(&table, &live, &mut found);
    // Nothing but `users().delete(…)` deletes accounts, and not every application does.
    let closed = closed(&full_name(&table), &live, &["SELECT", "INSERT", "UPDATE"]);
    found.extend(closed.map(Difference::from));
    Ok(found)
}

/// What of `needed` row-level security lets the role do on no row.
fn closed(name: &str, live: &LiveTable, needed: &[&str]) -> Option<String> {
    let hidden: Vec<_> = needed
        .iter()
        .copied()
        .filter(|command| live.hidden.iter().any(|hidden| hidden == command))
        .collect();
    (!hidden.is_empty()).then(|| {
        format!(
            "row-level security is on for `{name}`, and no policy lets the database role {} a row: give that role a policy \
             for it, or `BYPASSRLS`",
            hidden.join(", ")
        )
    })
}

/// Columns that an INSERT may not leave out, and that sign-up leaves out.
fn unfilled<D: Dialect>(table: &Table, live: &LiveTable, found: &mut Vec<Difference>) {
    for extra in &live.columns {
        if let Some(sequence) = &extra.sequence {
            found.push(
                format!(
                    "`{}.{}` is numbered by a sequence that the database role may not use: write `GRANT USAGE ON SEQUENCE \
                     {sequence} TO` that role",
                    table.name, extra.name
                )
                .into(),
            );
        }
        let declared = table
            .columns
            .iter()
            .find(|column| D::same_name(&extra.name, column.name));
        let filled =
            declared.is_some_and(|column| column.fill != Fill::Database || column.role == Role::Id);
        if !filled && !extra.nullable && !extra.has_default {
            found.push(format!(
                "`{}.{}` is NOT NULL without a default, and sign-up does not fill it: mark its field \
                 `#[auth(register)]`, `#[auth(default = …)]` or `#[auth(new_user)]`, or give the column a default",
                table.name, extra.name
            ).into());
        }
    }
}

/// Whether our statements change a column of this role. `moves`: addresses are changed.
const fn changes(role: Role, moves: bool) -> bool {
    match role {
        Role::PasswordHash
        | Role::EmailVerified
        | Role::RecoveryVerified
        | Role::IsActive
        | Role::IsSuperuser
        | Role::Identity
        | Role::TokenVersion
        | Role::UpdatedAt => true,
        Role::Email => moves,
        Role::Id | Role::Username | Role::Recovery | Role::CreatedAt | Role::Own => false,
    }
}

/// What our statements do with a column, and the role may not.
fn rights<D: Dialect>(
    table: &Table,
    column: &ColumnDef,
    (live, changed): (&LiveColumn, bool),
    found: &mut Vec<Difference>,
) {
    let needs = [
        ("SELECT", true, live.rights.select),
        ("INSERT", column.fill != Fill::Database, live.rights.insert),
        ("UPDATE", changed, live.rights.update),
    ];
    for (right, needed, held) in needs {
        if needed && !held {
            let name = column.name;
            found.push(
                format!(
                    "the database role may not {right} `{}.{name}`: write `GRANT {right} ({}) ON {} TO` that role",
                    table.name,
                    quoted::<D>(name),
                    full_quoted::<D>(table)
                )
                .into(),
            );
        }
    }
}

/// Texts that have no room in their column. A login field may be shorter than what a client can send: such a sign-up is
/// answered by 422.
fn room(table: &Table, column: &ColumnDef, live: &LiveColumn, found: &mut Vec<Difference>) {
    let Some(room) = live.room else { return };
    let (name, field) = (column.name, column.field);
    let text = match (column.role, column.max_length) {
        (Role::PasswordHash, _) if room < PasswordHash::LONGEST => format!(
            "`{}.{name}` holds {room} characters, and a password hash has up to {}: give the column more room",
            table.name,
            PasswordHash::LONGEST
        ),
        (Role::Id, _) if room < KEY => format!(
            "`{}.{name}` holds {room} characters, and a key that is made here has {KEY}: give the column more room",
            table.name
        ),
        (Role::Own | Role::Recovery, None) if column.register => format!(
            "`{}.{name}` holds {room} characters, and a client may send any number: write `max_length = {room}` in the \
             attribute of the field `{field}`",
            table.name
        ),
        (Role::Own | Role::Recovery, Some(max)) if room < max => format!(
            "`{}.{name}` holds {room} characters, and the field `{field}` takes {max}: write `max_length = {room}`, or give \
             the column more room",
            table.name
        ),
        _ => return,
    };
    found.push(text.into());
}

/// Characters of a key that is a text: a UUID with dashes.
const KEY: usize = 36;

/// Quoted, so that it runs as it stands: a name may be a reserved word.
fn quoted<D: Dialect>(name: &str) -> String {
    let quote = char::from(D::SYNTAX.quote);
    format!("{quote}{name}{quote}")
}

fn full_quoted<D: Dialect>(table: &Table) -> String {
    let name = quoted::<D>(table.name);
    match table.schema {
        Some(schema) => format!("{}.{name}", quoted::<D>(schema)),
        None => name,
    }
}

fn full_name(table: &Table) -> String {
    table.schema.map_or_else(
        || table.name.to_owned(),
        |schema| format!("{schema}.{}", table.name),
    )
}

fn compare<D: Dialect>(
    whole: &Table,
    column: &ColumnDef,
    live: &LiveColumn,
    found: &mut Vec<Difference>,
) {
    let (table, name) = (whole.name, column.name);
    if live.nullable && !column.nullable {
        found.push(format!(
            "`{table}.{name}` allows NULL, but the field `{}` cannot hold it: make the column NOT NULL, or the field \
             an `Option`",
            column.field
        ).into());
    }
    if column.fill == Fill::Database && column.role == Role::Id && !live.has_default {
        found.push(
            format!(
                "`{table}.{name}` has no default, so that nothing numbers a new row: declare it `{} {}`",
                quoted::<D>(name),
                D::IDENTITY
            )
            .into(),
        );
    }
    if column.fill != Fill::Database && live.computed {
        found.push(
            format!(
                "`{table}.{name}` is computed by the database, and sign-up writes the field `{}`: take `register`, `default` \
                 or `new_user` off it",
                column.field
            )
            .into(),
        );
    }
    room(whole, column, live, found);
    if !live.nullable && column.nullable && !live.has_default {
        found.push(
            format!(
                "`{table}.{name}` is NOT NULL, but the field `{}` is an `Option`",
                column.field
            )
            .into(),
        );
    }
    let login = matches!(
        column.role,
        Role::Id | Role::Email | Role::Username | Role::Recovery
    );
    if (login || column.unique) && !live.unique {
        let (index, on, by) = (
            quoted::<D>(&format!("{table}_{name}")),
            full_quoted::<D>(whole),
            quoted::<D>(name),
        );
        found.push(format!(
            "`{table}.{name}` has no unique index of its own: without one, two sign-ups at the same moment make two \
             accounts; write `CREATE UNIQUE INDEX {index} ON {on} ({by})`"
        ).into());
    }
    if column.role == Role::Id && live.reuses_ids {
        let text = format!(
            "`{table}.{name}` gives the id of a deleted row to the next one, so what was issued to the deleted account \
             opens the new one: declare it `{name} INTEGER PRIMARY KEY AUTOINCREMENT`"
        );
        found.push(Difference {
            text,
            reused_ids: true,
        });
    }
}
