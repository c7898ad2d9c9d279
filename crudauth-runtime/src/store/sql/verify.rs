//! Comparing the live tables with what the struct says and what our statements need.

use super::misfit::misfit;
use super::schema::TABLES;
use super::{Schema, SqlStore, UserRow};
use crate::account::{AuthUser, ColumnDef, Fill, Role, Table};
use crate::error::Result;
use crate::store::Difference;
use crate::store::dialect::{Dialect, LiveColumn, LiveTable};

/// What keeps our own tables from being used by the role that we are.
pub(super) async fn own_tables<D, S>(store: &SqlStore<D, S>) -> Result<Vec<Difference>>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    let mut held = store.in_time(store.hold()).await?;
    let mut found = Vec::new();
    for table in TABLES {
        let name = format!("{}{table}", S::PREFIX);
        let Some(live) = D::describe(&mut held, None, &name).await? else {
            found.push(Difference::from(format!(
                "there is no table `{name}`: let crudauth create its tables (`migrate_at_start`, or `migrate` with a role \
                 that may), or run what `schema_sql` gives"
            )));
            continue;
        };
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
            let missing = missing.join(", ");
            found.push(Difference::from(format!(
                "the database role may not {missing} in `{name}`: write `GRANT {missing} ON {} TO` that role",
                quoted::<D>(&name)
            )));
        }
    }
    Ok(found)
}

/// What the live account table is not, column by column.
pub(super) async fn differences<D, S>(store: &SqlStore<D, S>) -> Result<Vec<Difference>>
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
    let mut found = Vec::new();
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
        rights::<D>(&table, column, actual, &mut found);
    }
    unfilled::<D>(&table, &live, &mut found);
    if live.hidden {
        found.push(
            format!(
                "row-level security is on for `{}`, and no policy lets the database role read a row: every sign-in would \
                 fail; give that role a policy, or `BYPASSRLS`",
                full_name(&table)
            )
            .into(),
        );
    }
    Ok(found)
}

/// Columns that an INSERT may not leave out, and that sign-up leaves out.
fn unfilled<D: Dialect>(table: &Table, live: &LiveTable, found: &mut Vec<Difference>) {
    for extra in &live.columns {
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

/// What our statements do with a column, and the role may not.
fn rights<D: Dialect>(
    table: &Table,
    column: &ColumnDef,
    live: &LiveColumn,
    found: &mut Vec<Difference>,
) {
    let changed = matches!(
        column.role,
        Role::PasswordHash
            | Role::EmailVerified
            | Role::IsActive
            | Role::IsSuperuser
            | Role::TokenVersion
            | Role::UpdatedAt
    );
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
    if !live.nullable && column.nullable && !live.has_default {
        found.push(
            format!(
                "`{table}.{name}` is NOT NULL, but the field `{}` is an `Option`",
                column.field
            )
            .into(),
        );
    }
    let login = matches!(column.role, Role::Id | Role::Email | Role::Username);
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
