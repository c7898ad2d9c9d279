//! Migrations, the check of the live table, and sweeping.

use futures_util::future::BoxFuture;

use super::misfit::misfit;
use super::schema::{MIGRATIONS, create_table, ledger};
use super::{Schema, SqlStore, UserRow, commit, sql, statements};
use crate::account::{AuthUser, ColumnDef, Fill, Role};
use crate::clock::Timestamp;
use crate::crypto::fold_identifier;
use crate::error::{Error, Result};
use crate::store::dialect::{Args, Column, Dialect, LiveColumn};
use crate::store::{Difference, Maintenance};

statements! {
    Applied = "SELECT id FROM {@migrations} ORDER BY id";
    Record = "INSERT INTO {@migrations} (id, applied_at) VALUES ($1, $2)";
    SweepSessions = "DELETE FROM {@sessions} WHERE id IN (SELECT id FROM {@sessions} WHERE expires_at <= $1 LIMIT $2)";
    /// A run of failures outlives its window: it ends with a success or by the application (SEC-037).
    SweepAttempts = "DELETE FROM {@attempts} WHERE id IN \
        (SELECT id FROM {@attempts} WHERE expires_at <= $1 AND run = 0 LIMIT $2)";
    SweepLimits = "DELETE FROM {@limits} WHERE id IN (SELECT id FROM {@limits} WHERE expires_at <= $1 LIMIT $2)";
    Unreserved = "SELECT u.{id}, u.{username} FROM {users} u WHERE u.{username} IS NOT NULL AND NOT EXISTS \
        (SELECT 1 FROM {@usernames} n WHERE n.user_id = u.{id}) ORDER BY u.{id} LIMIT $1";
    UnreservedAfter = "SELECT u.{id}, u.{username} FROM {users} u WHERE u.{id} > $2 AND u.{username} IS NOT NULL \
        AND NOT EXISTS (SELECT 1 FROM {@usernames} n WHERE n.user_id = u.{id}) ORDER BY u.{id} LIMIT $1";
    /// Two names of before that look alike stay two accounts; the one that was first keeps the reservation.
    ReserveOld = "INSERT INTO {@usernames} (folded, user_id) VALUES ($1, $2) ON CONFLICT (folded) DO NOTHING";
    Ping = "SELECT 1";
}

/// User names that one transaction reserves.
const NAMES: i64 = 500;

impl<D, S> SqlStore<D, S>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    async fn migrate_all(&self) -> Result<()> {
        let mut tx = self.begin().await?;
        D::migration_lock(&mut tx).await?;
        D::define(&mut tx, ledger::<D, S>()).await?;
        let rows = D::fetch(&mut tx, sql::<Applied, D, S>(), Args::new()).await?;
        let applied = rows
            .iter()
            .map(|row| D::text(row, 0))
            .collect::<Result<Vec<_>>>()?;
        if let Some(unknown) = applied
            .iter()
            .flatten()
            .find(|id| MIGRATIONS.iter().all(|known| known.id != *id))
        {
            return Err(Error::config(format!(
                "the database has the migration `{unknown}`, which this version of crudauth does not know: it was \
                 migrated by a newer one; deploy that version again"
            )));
        }
        for migration in MIGRATIONS {
            if !applied.iter().flatten().any(|id| id == migration.id) {
                D::define(&mut tx, migration.render::<D, S>()).await?;
                let args = Args::new().text(Some(migration.id)).int(0);
                D::execute(&mut tx, sql::<Record, D, S>(), args).await?;
            }
        }
        commit(tx).await
    }

    async fn differences(&self) -> Result<Vec<Difference>> {
        let table = <S::User as AuthUser>::TABLE;
        let mut conn = self.connection().await?;
        let live = D::describe(&mut conn, table.schema, table.name).await?;
        if live.is_empty() {
            return Ok(vec![Difference::from(format!(
                "there is no table `{}`; create it with your migrations, or with the statement that \
                 `create_table_sql` gives",
                table.name
            ))]);
        }
        let mut found = Vec::new();
        for (column, wanted) in table.columns.iter().zip(S::User::types()) {
            let Some(actual) = live
                .iter()
                .find(|live| live.name.eq_ignore_ascii_case(column.name))
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
            if let Some(text) = misfit::<D>(&mut conn, &table, column, actual, &wanted).await? {
                found.push(text.into());
            }
            compare::<D>(table.name, column, actual, &mut found);
        }
        for extra in &live {
            let declared = table
                .columns
                .iter()
                .find(|column| column.name.eq_ignore_ascii_case(&extra.name));
            let filled = declared
                .is_some_and(|column| column.fill != Fill::Database || column.role == Role::Id);
            if !filled && !extra.nullable && !extra.has_default {
                found.push(format!(
                    "`{}.{}` is NOT NULL without a default, and sign-up does not fill it: mark its field \
                     `#[auth(register)]`, `#[auth(default = …)]` or `#[auth(new_user)]`, or give the column a default",
                    table.name, extra.name
                ).into());
            }
        }
        Ok(found)
    }

    /// Batch by batch, so that a large table does not keep writers waiting.
    async fn reserve_old_names(&self) -> Result<()> {
        if !<S::User as AuthUser>::TABLE.has(Role::Username) {
            return Ok(());
        }
        let mut last = None;
        loop {
            let mut tx = self.begin().await?;
            let args = Args::new().int(NAMES);
            let rows = match &last {
                None => D::fetch(&mut tx, sql::<Unreserved, D, S>(), args).await?,
                Some(last) => {
                    D::fetch(&mut tx, sql::<UnreservedAfter, D, S>(), args.value(last)).await?
                }
            };
            for row in &rows {
                let id = <S::User as UserRow<D>>::Key::read(row, 0)?;
                let folded = D::text(row, 1)?.map(|name| fold_identifier(&name));
                let args = Args::new().text(folded.as_deref()).value(&id);
                D::execute(&mut tx, sql::<ReserveOld, D, S>(), args).await?;
                last = Some(id);
            }
            commit(tx).await?;
            if i64::try_from(rows.len()).unwrap_or(i64::MAX) < NAMES {
                return Ok(());
            }
        }
    }

    async fn sweep_once(&self, now: Timestamp, batch: u32) -> Result<u64> {
        let args = || Args::new().at(now).int(i64::from(batch));
        let mut gone = self.execute::<SweepSessions>(args()).await?;
        gone += self.execute::<SweepAttempts>(args()).await?;
        gone += self.execute::<SweepLimits>(args()).await?;
        Ok(gone)
    }
}

fn compare<D: Dialect>(
    table: &str,
    column: &ColumnDef,
    live: &LiveColumn,
    found: &mut Vec<Difference>,
) {
    let name = column.name;
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
        // Quoted, so that it runs as it stands: a name may be a reserved word.
        let quote = char::from(D::SYNTAX.quote);
        let quoted = |name: &str| format!("{quote}{name}{quote}");
        let (index, on, by) = (
            quoted(&format!("{table}_{name}")),
            quoted(table),
            quoted(name),
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

impl<D, S> Maintenance for SqlStore<D, S>
where
    D: Dialect,
    S: Schema<User: UserRow<D>>,
{
    fn migrate(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.migrate_all())
    }

    fn create_users(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let mut conn = self.connection().await?;
            D::define(&mut conn, create_table::<D, S::User>()).await
        })
    }

    fn reserve_names(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.reserve_old_names())
    }

    fn verify_schema(&self) -> BoxFuture<'_, Result<Vec<Difference>>> {
        Box::pin(self.differences())
    }

    fn sweep(&self, now: Timestamp, batch: u32) -> BoxFuture<'_, Result<u64>> {
        Box::pin(self.sweep_once(now, batch))
    }

    fn ping(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.fetch::<Ping>(Args::new()).await.map(drop) })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.pool.close())
    }
}
