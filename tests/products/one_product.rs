//! A struct with a field that only one product can store, in a build that has both.

#![allow(
    dead_code,
    reason = "columns are read back from the table, not from the fields"
)]

use crudauth::testing::TestBuilder;
use crudauth::{AuthUser, Dialect, PasswordHash, auth};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};

use crate::support::{Client, PASSWORD, SECRET, TempDb};

#[derive(Debug, Clone, AuthUser)]
#[auth(table = "members")]
struct Member {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    #[auth(register)]
    tags: Vec<String>, // an array, which SQLite does not have
}

auth! {
    #[database(postgres)]
    struct Auth<Member>;
}

#[tokio::test]
async fn an_array_column_works_where_the_product_has_arrays() {
    let file = TempDb::postgres();
    let db = PgPool::connect(&file.url()).await.unwrap();
    let table = Member::create_table_sql(Dialect::Postgres);
    sqlx::raw_sql(AssertSqlSafe(table))
        .execute(&db)
        .await
        .unwrap();
    let auth = Auth::builder(db.clone()).secret(SECRET);
    let auth = auth.cheap_hashing().manual_workers().await.unwrap();
    let mut client = Client::new(auth.router());

    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "tags": ["a", "b"] });
    let answer = client.post_json("/register", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(client.login("ada@example.com", PASSWORD).await.status, 200);
    let tags: Vec<String> = sqlx::query_scalar("SELECT tags FROM members")
        .fetch_one(&db)
        .await
        .unwrap();
    assert_eq!(tags, ["a", "b"]);
}

#[test]
fn there_is_no_statement_for_a_product_that_cannot_store_it() {
    assert!(Member::create_table_sql(Dialect::Postgres).contains("TEXT[]"));
    assert_eq!(Member::create_table_sql(Dialect::Sqlite), "");
}
