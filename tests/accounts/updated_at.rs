//! A table with `updated_at`: every change that crudauth makes to a row moves it, in whatever type the application
//! keeps it.

use std::time::Duration;

use crudauth::testing::{Clock, TestBuilder};
use crudauth::{AuthUser, CreateUser, PasswordHash, auth};
use time::OffsetDateTime;

use crate::support::{self, Db, PASSWORD, SECRET, TempDb, pool};

/// Keeps instants.
#[derive(Debug, Clone, AuthUser)]
#[auth(table = "members")]
pub struct Member {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    is_active: bool,
    is_superuser: bool,
    email_verified: bool,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

auth! {
    #[database(sqlite, postgres)]
    pub struct Members<Member>;
}

/// Keeps seconds, in a column of another name.
#[derive(Debug, Clone, AuthUser)]
#[auth(table = "seconds")]
pub struct Second {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    is_active: bool,
    is_superuser: bool,
    email_verified: bool,
    #[auth(updated_at)]
    changed: i64,
}

auth! {
    #[database(sqlite, postgres)]
    pub struct Seconds<Second>;
}

async fn table(file: &TempDb, sql: String) -> Db {
    let pool = pool(&file.url(), 2).await;
    pool.run(sql).await;
    pool
}

fn ada<U: crudauth::account::AuthUser<Columns: Default>>() -> CreateUser<U> {
    CreateUser {
        email: Some("ada@example.com".to_owned()),
        username: None,
        password: PASSWORD.to_owned(),
        columns: U::Columns::default(),
        email_verified: false,
        superuser: false,
    }
}

#[tokio::test]
async fn a_change_moves_an_instant() {
    let file = TempDb::new();
    let pool = table(&file, Member::create_table_sql(support::dialect())).await;
    let clock = Clock::manual();
    let auth = Members::builder(pool)
        .secret(SECRET)
        .clock(clock.clone())
        .cheap_hashing()
        .manual_workers();
    let auth = auth.await.unwrap();
    let users = auth.users();
    let id = users.create(ada()).await.unwrap();
    let created = users.find(&id).await.unwrap().unwrap();
    assert_eq!(created.created_at, created.updated_at);

    let mut last = created.updated_at;
    for change in 0..5 {
        clock.advance(Duration::from_mins(1));
        let changed = match change {
            0 => users.disable(&id).await,
            1 => users.enable(&id).await,
            2 => users.grant_superuser(&id).await,
            3 => users.revoke_superuser(&id).await,
            _ => users.set_verified(&id, true).await,
        };
        assert!(changed.unwrap());

        let now = users.find(&id).await.unwrap().unwrap();
        assert_eq!(
            now.updated_at - last,
            time::Duration::minutes(1),
            "change {change}"
        );
        assert_eq!(now.created_at, created.created_at);
        assert_eq!(now.is_active, change != 0);
        last = now.updated_at;
    }
}

#[tokio::test]
async fn a_change_moves_a_number_of_seconds() {
    let file = TempDb::new();
    let pool = table(&file, Second::create_table_sql(support::dialect())).await;
    let clock = Clock::manual();
    let auth = Seconds::builder(pool)
        .secret(SECRET)
        .clock(clock.clone())
        .cheap_hashing()
        .manual_workers();
    let auth = auth.await.unwrap();
    let users = auth.users();
    let id = users.create(ada()).await.unwrap();
    let before = users.find(&id).await.unwrap().unwrap().changed;

    clock.advance(Duration::from_mins(1));
    assert!(users.disable(&id).await.unwrap());

    let after = users.find(&id).await.unwrap().unwrap();
    assert_eq!(after.changed - before, 60);
    assert!(!after.is_active);
}
