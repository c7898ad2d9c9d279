//! Columns that cannot hold what their field stores.

use crate::account::{ColumnDef, Repr, Role, Table};
use crate::error::Result;
use crate::store::dialect::Dialect;
use crate::store::live::LiveColumn;
use crate::store::repr::Form;

/// What is wrong with the type of a live column, and what to write instead.
pub(super) async fn misfit<D: Dialect>(
    conn: &mut D::Connection,
    table: &Table,
    column: &ColumnDef,
    live: &LiveColumn,
    wanted: &D::TypeInfo,
) -> Result<Option<String>> {
    let fits = match column.repr {
        Some(repr) => {
            let forms = D::uuid_forms(conn, table, live).await?;
            if !forms.is_empty() {
                return Ok(forms_misfit::<D>(table, column, live, repr, &forms));
            }
            D::fits_uuid(&live.sql_type, repr, wanted)
        }
        None if column.role == Role::Id => D::fits_key(&live.sql_type, wanted),
        None => D::fits(&live.sql_type, wanted),
    };
    Ok((!fits).then(|| {
        let advice = match column.repr {
            Some(_) => format!(": {}", D::UUID_ADVICE),
            None => String::new(),
        };
        format!(
            "`{}.{}` is declared `{}`, but the field `{}` is stored as `{}`{advice}",
            table.name,
            column.name,
            live.sql_type,
            column.field,
            D::declare(wanted)
        )
    }))
}

fn forms_misfit<D: Dialect>(
    table: &Table,
    column: &ColumnDef,
    live: &LiveColumn,
    repr: Repr,
    forms: &[Form],
) -> Option<String> {
    let what = match forms {
        [Form::Of(found)] if *found == repr => return None,
        [Form::Of(found)] => format!(
            "keeps UUIDs {}: write `#[auth(repr = \"{}\")]` on the field `{}`",
            shape(*found),
            found.word(),
            column.field
        ),
        [Form::UpperCase] => {
            let quote = char::from(D::SYNTAX.quote);
            let name = format!("{quote}{}{quote}", column.name);
            format!(
                "keeps UUIDs in upper case, and SQL compares texts byte by byte with the lower case that crudauth writes: run \
                 `UPDATE {} SET {name} = lower({name})`, and the same for every column that refers to it",
                table.quoted(quote)
            )
        }
        [Form::Unsafe] => format!(
            "keeps UUIDs without dashes, and the type `{}` turns one of digits alone into a number: make the column TEXT",
            live.sql_type
        ),
        [Form::Unknown] => format!(
            "holds what is not a UUID {}, {} or {}: rewrite those rows, or give the field `{}` the type that the column holds",
            shape(Repr::Blob),
            shape(Repr::Hyphenated),
            shape(Repr::Simple),
            column.field
        ),
        _ => format!(
            "keeps UUIDs in more than one form, and SQL compares them byte by byte: rewrite the rows that are not {}",
            shape(repr)
        ),
    };
    Some(format!("`{}.{}` {what}", table.name, column.name))
}

const fn shape(repr: Repr) -> &'static str {
    match repr {
        Repr::Blob => "as sixteen bytes",
        Repr::Hyphenated => "as texts with dashes in lower case",
        Repr::Simple => "as texts without dashes in lower case",
    }
}
