//! Tables and columns whose names are words of SQL: SEC-128.

#![allow(
    dead_code,
    reason = "columns are read back from the table, not from the fields"
)]

use crudauth::testing::{Clock, TestBuilder};
use crudauth::{AuthUser, Dialect, PasswordHash, auth};
use serde_json::{Value, json};

use crate::support::{self, Answer, Client, Db, PASSWORD, SECRET, TempDb};

/// Starts a block on a file of its own: the client, a look at the file, the clock and the authority.
macro_rules! start {
    ($auth:ty) => {{
        let file = TempDb::new();
        let clock = Clock::manual();
        let auth = <$auth>::connect(file.url())
            .create_users_table(true)
            .secret(SECRET)
            .clock(clock.clone())
            .cheap_hashing()
            .manual_workers()
            .await
            .unwrap();
        let db: Db = support::pool(&file.url(), 1).await;
        (Client::new(auth.router()), db, clock, auth, file)
    }};
}

async fn register(client: &Client, mut body: Value) -> Answer {
    body["password"] = json!(PASSWORD);
    client.post_json("/register", &body).await
}

#[derive(Debug, Clone, AuthUser)]
#[auth(table = "select")]
struct Hostile {
    #[auth(id, column = "order")]
    id: i64,
    #[auth(column = "From")]
    email: String,
    #[auth(column = "group")]
    username: String,
    #[auth(column = "values")]
    password_hash: PasswordHash,
    #[auth(column = "WHERE")]
    is_active: bool,
    #[auth(column = "table")]
    is_superuser: bool,
    #[auth(column = "Index")]
    email_verified: bool,
    #[auth(column = "null")]
    token_version: i64,
    #[auth(column = "check")]
    created_at: i64,
    #[auth(column = "default")]
    updated_at: Option<i64>,
    #[auth(register, unique, column = "union")]
    r#type: Option<String>,
}

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[tables(prefix = "Join_")]
    struct Reserved<Hostile>;
}

#[tokio::test]
async fn sec_128_reserved_words_and_mixed_case_are_names_like_others() {
    let (mut client, db, clock, auth, _file) = start!(Reserved);

    let made = register(
        &client,
        json!({ "email": "ada@x.com", "username": "ada", "type": "'); DROP TABLE \"select\"; --" }),
    )
    .await;
    let again = register(
        &client,
        json!({ "email": "bob@x.com", "username": "bob", "type": "'); DROP TABLE \"select\"; --" }),
    )
    .await;

    assert_eq!(
        made.text,
        r#"{"id":1,"email":"ada@x.com","username":"ada"}"#
    );
    assert_eq!(
        (again.status.as_u16(), again.text.as_str()),
        (
            422,
            r#"{"detail":"Type already taken","code":"field_taken"}"#
        )
    );
    assert_eq!(client.login("ada", PASSWORD).await.status, 200);
    assert_eq!(client.get("/me").await.status, 200);
    clock.advance(std::time::Duration::from_secs(61));
    assert_eq!(
        client
            .get("/sessions")
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let change = json!({ "current_password": PASSWORD, "new_password": "a wholly different one" });
    assert_eq!(
        client.post_json("/change-password", &change).await.status,
        200
    );
    let (made, changed): (i64, i64) = db
        .query(r#"SELECT "check", "default" FROM "select""#)
        .row()
        .await;
    assert_eq!(changed - made, 61);
    let users = auth.users();
    assert!(
        users.grant_superuser(&1).await.unwrap()
            && users.set_verified(&1, true).await.unwrap()
            && users.disable(&1).await.unwrap()
    );
    assert_eq!(client.get("/me").await.status, 401);
    assert!(users.delete(&1).await.unwrap());
    // A live table that has drifted is named in a statement that can be run as it stands.
    db.run(r#"ALTER TABLE "select" RENAME TO old; CREATE TABLE "select" AS SELECT * FROM old"#)
        .await;
    let drifted = Reserved::builder(db.clone())
        .secret(SECRET)
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap_err()
        .to_string();
    let fix = drifted
        .split('`')
        .find(|part| part.starts_with("CREATE UNIQUE INDEX") && part.contains("From"))
        .unwrap();
    db.run(fix.to_owned()).await;
}

#[test]
fn the_statement_that_creates_the_table_quotes_every_name() {
    let sql = Hostile::create_table_sql(Dialect::Sqlite);

    assert!(
        sql.starts_with(r#"CREATE TABLE IF NOT EXISTS "select" ("#),
        "{sql}"
    );
    for name in [
        "order", "From", "group", "values", "WHERE", "table", "Index", "null", "check", "default",
        "union",
    ] {
        assert!(sql.contains(&format!("\n  \"{name}\" ")), "{name}: {sql}");
    }
    assert!(
        sql.contains(r#""order" INTEGER PRIMARY KEY AUTOINCREMENT"#),
        "{sql}"
    );
}
