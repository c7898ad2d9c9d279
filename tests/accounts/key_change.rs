//! Tables of ours that were made for a key of another type than the account has by now.

#![allow(dead_code, reason = "columns are there for the table, not to be read")]

use crudauth::testing::TestBuilder;
use crudauth::{AuthUser, PasswordHash, auth};
use uuid::Uuid;

use crate::support::{self, SECRET, TempDb};

#[derive(Debug, Clone, AuthUser)]
#[auth(table = "numbered")]
struct Numbered {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[database(sqlite, postgres)]
    struct Before<Numbered>;
}

#[derive(Debug, Clone, AuthUser)]
#[auth(table = "named")]
struct Named {
    id: Uuid,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[database(sqlite, postgres)]
    struct After<Named>;
}

#[tokio::test]
async fn a_key_of_another_type_is_told_at_the_start() {
    let file = TempDb::new();
    let db = support::pool(&file.url(), 1).await;
    let before = Before::builder(db.clone()).secret(SECRET).cheap_hashing();
    before
        .create_users_table(true)
        .manual_workers()
        .await
        .unwrap();

    let after = After::builder(db.clone()).secret(SECRET).cheap_hashing();
    let told = after
        .create_users_table(true)
        .manual_workers()
        .await
        .unwrap_err()
        .to_string();

    let (was, is) = (
        support::sql("INTEGER", "bigint"),
        support::sql("BLOB", "UUID"),
    );
    for table in ["auth_sessions", "auth_usernames"] {
        let line = format!(
            "`{table}.user_id` is declared `{was}`, but the account's key is stored as `{is}`: the tables were made for \
             another key; drop those of crudauth, and they are made anew"
        );
        assert!(told.contains(&line), "{told}");
    }
    let ours = db.tables().await;
    for table in ours.iter().filter(|table| table.starts_with("auth_")) {
        db.run(format!("DROP TABLE {table}")).await;
    }
    let anew = After::builder(db.clone()).secret(SECRET).cheap_hashing();
    assert!(anew.create_users_table(true).manual_workers().await.is_ok());
}
