//! A column of UUIDs and a field that says otherwise: the start is refused, and the message says what to write.

#![allow(
    dead_code,
    reason = "columns are read back from the table, not from the fields"
)]

use crudauth::testing::TestBuilder;
use crudauth::{AuthUser, PasswordHash, auth};
use serde_json::json;
use uuid::Uuid;

use crate::support::{Client, Db, PASSWORD, SECRET, TempDb, pool};

macro_rules! persons {
    ($($module:ident: $($repr:literal)?;)*) => {$(
        mod $module {
            use super::*;

            #[derive(Debug, Clone, AuthUser)]
            #[auth(table = "persons")]
            pub(crate) struct Person {
                #[auth(id $(, repr = $repr)?)]
                pub(crate) key: Uuid,
                username: String,
                password_hash: PasswordHash,
                #[auth(own $(, repr = $repr)?)]
                team: Option<Uuid>,
            }

            auth! {
                #[database(sqlite, postgres)]
                struct Auth<Person>;
            }

            pub(crate) async fn start(file: &TempDb) -> crudauth::Result<axum::Router> {
                let auth = Auth::connect(file.url()).secret(SECRET);
                let auth = auth.cheap_hashing().manual_workers().await?;
                Ok(auth.router())
            }

            /// What the start says to a table like this.
            pub(crate) async fn told(declared: &str, rows: &str) -> String {
                told_by(&table(declared, rows).await.0).await
            }

            pub(crate) async fn told_by(file: &TempDb) -> String {
                start(file).await.map_or_else(|error| error.to_string(), |_| String::new())
            }
        }
    )*};
}

persons! {
    plain: ;
    blob: "blob";
    hyphenated: "hyphenated";
    simple: "simple";
}

async fn table(declared: &str, rows: &str) -> (TempDb, Db) {
    made(TempDb::sqlite(), declared, rows).await
}

async fn made(file: TempDb, declared: &str, rows: &str) -> (TempDb, Db) {
    let db = pool(&file.url(), 2).await;
    db.run(format!(
        "CREATE TABLE persons (key {declared} NOT NULL PRIMARY KEY, username TEXT NOT NULL UNIQUE, \
         password_hash TEXT NOT NULL, team {declared}); BEGIN; {rows} COMMIT"
    ))
    .await;
    (file, db)
}

fn row(key: &str) -> String {
    let name = Uuid::new_v4();
    format!("INSERT INTO persons VALUES ({key}, '{name}', '!', {key});")
}

const DASHES: &str = "'9f8b4c1e-7a02-4d8c-8f5e-2b6a1c3d4e5f'";
const DIGITS: &str = "'9f8b4c1e7a024d8c8f5e2b6a1c3d4e5f'";
const BYTES: &str = "x'9f8b4c1e7a024d8c8f5e2b6a1c3d4e5f'";
const CAPITALS: &str = "'9F8B4C1E-7A02-4D8C-8F5E-2B6A1C3D4E5F'";

#[tokio::test]
async fn the_message_says_which_repr_the_column_needs() {
    let with = |repr: &str| format!("write `#[auth(repr = \"{repr}\")]` on the field `key`");
    for (told, repr) in [
        (plain::told("CHAR(36)", "").await, "hyphenated"),
        (plain::told("nchar(32)", "").await, "simple"),
        (plain::told("TEXT", &row(DASHES)).await, "hyphenated"),
        (plain::told("TEXT", &row(DIGITS)).await, "simple"),
        (plain::told("UUID", &row(DASHES)).await, "hyphenated"),
        (plain::told("BLOB", &row(DASHES)).await, "hyphenated"),
        (blob::told("VARCHAR(36)", "").await, "hyphenated"),
        (hyphenated::told("CHAR(32)", "").await, "simple"),
        (hyphenated::told("CHAR(36)", &row(DIGITS)).await, "simple"),
        (hyphenated::told("BINARY(16)", "").await, "blob"),
        (hyphenated::told("UUID", &row(BYTES)).await, "blob"),
        (simple::told("VARCHAR(36)", "").await, "hyphenated"),
        (simple::told("TEXT", &row(DASHES)).await, "hyphenated"),
        (simple::told("TEXT", &row(BYTES)).await, "blob"),
    ] {
        assert!(told.contains(&with(repr)), "{repr}: {told}");
        assert!(told.contains("`persons.team`"), "{told}"); // an own column as well as the key
    }
    // Nothing to go by but the type.
    let told = plain::told("TEXT", "").await;
    let both = "stored as `BLOB`: for UUIDs in texts write `#[auth(repr = \"hyphenated\")]`, or `\"simple\"` where they have no dashes";
    assert!(told.contains(both), "{told}");
}

#[tokio::test]
async fn a_column_that_holds_what_the_field_says_is_accepted() {
    for told in [
        plain::told("BLOB", &row(BYTES)).await,
        plain::told("UUID", "").await,
        blob::told("TEXT", &row(BYTES)).await,
        hyphenated::told("TEXT", "").await,
        hyphenated::told("UUID", "").await,
        hyphenated::told("BLOB", &row(DASHES)).await,
        simple::told("TEXT", "").await,
        simple::told("CHAR(36)", &row(DIGITS)).await,
    ] {
        assert_eq!(told, "");
    }
}

#[tokio::test]
async fn digits_in_a_column_that_turns_them_into_a_number_are_refused() {
    let told = simple::told("UUID", "").await;
    assert!(told.contains("`persons.key` is declared `UUID`"), "{told}");
    let told = simple::told("UUID", &row(DIGITS)).await;
    assert!(told.contains("make the column TEXT"), "{told}");
    // The reason: what goes in does not come out.
    let (_file, db) = table("UUID", &row("'01990000000070008000000000000001'")).await;
    let kind: String = db.query("SELECT typeof(key) FROM persons").scalar().await;
    assert_ne!(kind, "text");
}

#[tokio::test]
async fn capitals_are_refused_with_the_statement_that_makes_them_small() {
    let (file, db) = table("TEXT", &row(CAPITALS)).await;
    let told = hyphenated::told_by(&file).await;

    let statement = r#"UPDATE "persons" SET "key" = lower("key")"#;
    assert!(told.contains(&format!("`{statement}`")), "{told}");
    db.run(statement).await;
    db.run(r#"UPDATE "persons" SET "team" = lower("team")"#)
        .await;
    assert_eq!(hyphenated::told_by(&file).await, "");
}

#[tokio::test]
async fn one_odd_key_among_many_is_found() {
    let many: String = (0..300)
        .map(|_| row(&format!("'{}'", Uuid::new_v4())))
        .collect();
    let capital_first = CAPITALS.replace("'9F", "'EF");
    let braces = "'{9f8b4c1e-7a02-4d8c-8f5e-2b6a1c3d4e5f}'";
    for odd in [BYTES, &capital_first, braces, "''"] {
        let told = hyphenated::told("TEXT", &format!("{many}{}", row(odd))).await;
        assert!(
            told.contains("`persons.key` keeps UUIDs in more than one form"),
            "{odd}: {told}"
        );
    }
    let told = hyphenated::told("TEXT", &row("'nobody'")).await;
    assert!(
        told.contains("`persons.key` holds what is not a UUID"),
        "{told}"
    );
}

#[tokio::test]
async fn a_row_in_another_form_is_an_error_and_never_somebody_else() {
    let (file, db) = table("TEXT", "").await;
    let mut client = Client::new(hyphenated::start(&file).await.unwrap());
    let body = json!({ "username": "ada", "password": PASSWORD });
    let id = client.post_json("/register", &body).await.json()["id"].clone();
    client.login("ada", PASSWORD).await;

    db.run("UPDATE persons SET key = upper(key)").await;

    // A wrong answer would be 401: "no such session" to its owner.
    assert_eq!(client.clone().login("ada", PASSWORD).await.status, 500);
    db.run("UPDATE persons SET key = lower(key)").await;
    assert_eq!(client.get("/me").await.json()["user_id"], id);
}

#[tokio::test]
async fn a_table_of_our_own_making_has_the_form_that_is_declared() {
    for (statement, wanted) in [
        (
            plain::Person::create_table_sql(crudauth::Dialect::Sqlite),
            "BLOB",
        ),
        (
            blob::Person::create_table_sql(crudauth::Dialect::Sqlite),
            "BLOB",
        ),
        (
            simple::Person::create_table_sql(crudauth::Dialect::Sqlite),
            "TEXT",
        ),
        (
            hyphenated::Person::create_table_sql(crudauth::Dialect::Sqlite),
            "TEXT",
        ),
    ] {
        let key = format!(r#""key" {wanted} NOT NULL PRIMARY KEY"#);
        assert!(statement.contains(&key), "{statement}");
    }
}

#[tokio::test]
async fn where_there_is_a_type_for_uuids_nothing_else_will_do() {
    let (text, _db) = made(TempDb::postgres(), "char(36)", &row(DASHES)).await;
    let (uuid, _db) = made(TempDb::postgres(), "uuid", &row(DASHES)).await;

    for told in [
        plain::told_by(&text).await,
        simple::told_by(&text).await,
        hyphenated::told_by(&text).await,
    ] {
        let what = "`persons.key` is declared `character(36)`, but the field `key` is stored as `UUID`: make the column a `uuid`, \
                    or the field a `String`";
        assert!(told.contains(what), "{told}");
    }
    assert_eq!(
        hyphenated::told_by(&uuid).await + &simple::told_by(&uuid).await,
        ""
    );
    for statement in [
        plain::Person::create_table_sql(crudauth::Dialect::Postgres),
        simple::Person::create_table_sql(crudauth::Dialect::Postgres),
    ] {
        assert!(
            statement.contains(r#""key" UUID NOT NULL PRIMARY KEY"#),
            "{statement}"
        );
    }
}
