//! UUIDs in tables that another tool made, on a product that has no type for them: as bytes, and as texts with and
//! without dashes. The key in that form reaches every statement, or somebody is signed out, locked out or let in.

#![allow(
    dead_code,
    reason = "columns are read back from the table, not from the fields"
)]

use crudauth::testing::TestBuilder;
use crudauth::{AccountKey, AuthUser, PasswordHash, auth};
use serde_json::json;
use uuid::Uuid;

use crate::support::{Client, Db, PASSWORD, SECRET, TempDb, TestApp, pool};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PersonId(Uuid);

impl AccountKey for PersonId {
    type Inner = Uuid;
    fn from_inner(inner: Uuid) -> Self {
        Self(inner)
    }
    fn as_inner(&self) -> &Uuid {
        &self.0
    }
}

/// The hash of [`PASSWORD`].
async fn hash() -> String {
    let app = TestApp::over(TempDb::sqlite(), 2).await;
    app.register("anybody").await;
    app.db
        .query("SELECT password_hash FROM users")
        .scalar()
        .await
}

/// A UUID as SQL, in each form.
fn bytes(uuid: Uuid) -> String {
    format!("x'{}'", uuid.simple())
}
fn dashes(uuid: Uuid) -> String {
    format!("'{uuid}'")
}
fn digits(uuid: Uuid) -> String {
    format!("'{}'", uuid.simple())
}

/// A table as another tool made it, with Ada in it.
async fn table(file: &TempDb, declared: &str, ada: &str) -> Db {
    let db = pool(&file.url(), 2).await;
    let hash = hash().await;
    db.run(format!(
        "CREATE TABLE persons (id {declared} NOT NULL PRIMARY KEY, username TEXT NOT NULL UNIQUE, \
         password_hash TEXT NOT NULL, is_active BOOLEAN NOT NULL, token_version BIGINT NOT NULL, \
         ticket {declared} UNIQUE, team {declared} NOT NULL); \
         INSERT INTO persons VALUES ({ada}, 'ada', '{hash}', TRUE, 7, {ada}, {ada})"
    ))
    .await;
    db
}

fn team() -> Uuid {
    Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_abcd)
}

macro_rules! persons {
    ($module:ident: $key:ty, $repr:literal, $literal:ident) => {
        mod $module {
            use super::*;

            #[derive(Debug, Clone, AuthUser)]
            #[auth(table = "persons")]
            pub(crate) struct Person {
                #[auth(repr = $repr)]
                pub(crate) id: $key,
                username: String,
                password_hash: PasswordHash,
                is_active: bool,
                token_version: i64,
                #[auth(register, unique, repr = $repr)]
                ticket: Option<Uuid>,
                #[auth(default(team), repr = $repr)]
                team: Uuid,
            }

            auth! {
                #[session(management)]
                #[database(sqlite, postgres)]
                struct Auth<Person>;
            }

            /// Sign-in, session, change of password, sign-up, look-up, switch-off and deletion, in a column declared so.
            pub(crate) async fn live(file: TempDb, declared: &str) {
                let ada = Uuid::new_v4();
                let db = table(&file, declared, &$literal(ada)).await;
                let auth = Auth::connect(file.url())
                    .create_users_table(false)
                    .secret(SECRET)
                    .cheap_hashing()
                    .manual_workers()
                    .await
                    .unwrap();
                let of_before = Client::new(auth.router());

                // The account of before.
                let (mut here, mut there) = (of_before.clone(), of_before.clone());
                assert_eq!(here.login("ada", PASSWORD).await.json()["id"], ada.to_string());
                there.login("ada", PASSWORD).await;
                assert_eq!(here.get("/me").await.json()["user_id"], ada.to_string());
                assert_eq!(here.get("/sessions").await.json().as_array().unwrap().len(), 2);
                let change = json!({ "current_password": PASSWORD, "new_password": "a wholly different one" });
                assert_eq!(here.post_json("/change-password", &change).await.status, 200);
                assert_eq!(here.get("/me").await.status, 200);
                assert_eq!(there.get("/me").await.status, 401);
                assert_eq!(there.login("ada", "a wholly different one").await.status, 200);
                assert_eq!(here.post("/logout-all?keep_current=true").await.json()["revoked"], 1);

                // A new one; its name is not Ada's, nor is its ticket.
                let body = |name: &str, ticket: Uuid| json!({ "username": name, "password": PASSWORD, "ticket": ticket });
                let taken = of_before.post_json("/register", &body("ADA", team())).await;
                assert_eq!(taken.code(), "username_taken");
                let taken = of_before.post_json("/register", &body("bob", ada)).await;
                assert_eq!(taken.code(), "field_taken");
                let made = of_before.post_json("/register", &body("bob", team())).await;
                let bob: Uuid = made.json()["id"].as_str().unwrap().parse().unwrap();
                let mut bobs = of_before.clone();
                assert_eq!(bobs.login("bob", PASSWORD).await.json()["id"], bob.to_string());

                // What stands in the tables is what the other tool writes.
                let (key, team) = ($literal(bob), $literal(team()));
                for stored in [
                    format!("persons WHERE id = {key} AND ticket = {team} AND team = {team}"),
                    format!("auth_sessions WHERE user_id = {key}"),
                    format!("auth_usernames WHERE user_id = {key}"),
                ] {
                    let one = format!("SELECT count(*) FROM {stored}");
                    assert_eq!(db.count(one).await, 1, "{declared}: {stored}");
                }
                let bobs_row = "SELECT * FROM persons WHERE username = 'bob'";
                let read: Person = db.query(bobs_row).row().await;
                assert_eq!((read.id.as_inner(), read.ticket, read.team), (&bob, Some(super::team()), super::team()));

                // The application's own hand.
                let id = <$key as AccountKey>::from_inner(bob);
                let found = auth.users().find_by_key(&bob.to_string()).await.unwrap();
                assert_eq!(found.unwrap().id, id);
                assert!(auth.users().disable(&id).await.unwrap());
                assert_eq!(bobs.get("/me").await.status, 401);
                assert!(auth.users().enable(&id).await.unwrap());
                assert_eq!(bobs.login("bob", PASSWORD).await.status, 200);
                assert!(auth.users().delete(&id).await.unwrap());
                assert_eq!(bobs.get("/me").await.status, 401);
                for left in ["persons", "auth_sessions", "auth_usernames"] {
                    let (id, all) = (if left == "persons" { "id" } else { "user_id" }, "SELECT count(*) FROM");
                    assert_eq!(db.count(format!("{all} {left} WHERE {id} = {key}")).await, 0);
                    assert_eq!(db.count(format!("{all} {left}")).await, 1, "{left}: Ada's is there");
                }
            }
        }
    };
}

persons!(hyphenated: PersonId, "hyphenated", dashes);
persons!(simple: Uuid, "simple", digits);
persons!(blob: PersonId, "blob", bytes);
persons!(native: Uuid, "blob", dashes);

#[tokio::test]
async fn texts_with_dashes_are_the_key_at_every_door() {
    for declared in [
        "CHAR(36)",
        "VARCHAR(36)",
        "TEXT",
        "TEXT COLLATE NOCASE",
        "UUID",
    ] {
        hyphenated::live(TempDb::sqlite(), declared).await;
    }
}

#[tokio::test]
async fn texts_without_dashes_are_the_key_at_every_door() {
    for declared in ["CHAR(32)", "VARCHAR(36)", "TEXT"] {
        simple::live(TempDb::sqlite(), declared).await;
    }
}

#[tokio::test]
async fn bytes_are_the_key_at_every_door() {
    for declared in ["BLOB", "BINARY(16)", "UUID", "GUID"] {
        blob::live(TempDb::sqlite(), declared).await;
    }
}

#[tokio::test]
async fn a_product_with_a_type_for_uuids_keeps_them_in_it_whatever_the_repr() {
    hyphenated::live(TempDb::postgres(), "uuid").await;
    simple::live(TempDb::postgres(), "uuid").await;
    native::live(TempDb::postgres(), "uuid").await;
}
