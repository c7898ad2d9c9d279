//! Keys of a type of the application's own, and its own unique columns under fifty sign-ups at once.

#![allow(
    dead_code,
    reason = "columns are read back from the table, not from the fields"
)]

use crudauth::testing::{TestBuilder, sign_in};
use crudauth::{AccountKey, AuthUser, PasswordHash, auth};
use serde_json::json;
use uuid::Uuid;

use crate::support::{self, Client, PASSWORD, SECRET, TempDb};

#[derive(Debug, Clone, PartialEq)]
struct PersonId(Uuid);

impl AccountKey for PersonId {
    type Inner = Uuid;
    fn from_inner(inner: Uuid) -> Self {
        Self(inner)
    }
    fn as_inner(&self) -> &Uuid {
        &self.0
    }
}

#[derive(Debug, Clone, AuthUser)]
#[auth(table = "persons")]
struct Person {
    id: PersonId,
    username: String,
    password_hash: PasswordHash,
    token_version: i64,
    #[auth(register, unique)]
    badge_number: Option<String>,
}

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    struct Auth<Person>;
}

async fn app() -> (Client, Auth, TempDb) {
    let file = TempDb::new();
    let auth = Auth::connect(file.url())
        .create_users_table(true)
        .secret(SECRET)
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    (Client::new(auth.router()), auth, file)
}

fn ada(badge: Option<&str>) -> serde_json::Value {
    json!({ "username": "ada", "password": PASSWORD, "badge_number": badge })
}

#[tokio::test]
async fn a_newtype_over_a_uuid_is_a_key_at_every_door() {
    let (mut client, auth, _file) = app().await;

    let made = client.post_json("/register", &ada(None)).await;

    let id = PersonId(made.json()["id"].as_str().unwrap().parse().unwrap());
    assert_eq!(
        client.login("ada", PASSWORD).await.json()["id"],
        id.0.to_string()
    );
    assert_eq!(client.get("/me").await.json()["user_id"], id.0.to_string());
    let held = sign_in(&auth, &id).await.unwrap();
    assert!(held.cookie.starts_with("session_id="));
    assert_eq!(
        client
            .get("/sessions")
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        client.post("/logout-all?keep_current=true").await.json()["revoked"],
        1
    );
    assert_eq!(
        auth.users()
            .find_by_key(&id.0.to_string())
            .await
            .unwrap()
            .unwrap()
            .id,
        id
    );
    assert!(
        auth.users()
            .find_by_key(&id.0.simple().to_string())
            .await
            .unwrap()
            .is_none()
    );
    assert!(auth.users().delete(&id).await.unwrap());
    assert_eq!(client.get("/me").await.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_sign_ups_with_one_value_of_an_own_unique_column_make_one_account() {
    let (client, _auth, file) = app().await;
    let tasks: Vec<_> = (0..50)
        .map(|n| {
            let client = client.clone().from(&format!("198.51.100.{}", n + 1));
            let body = json!({ "username": format!("user-{n}"), "password": PASSWORD, "badge_number": "007" });
            tokio::spawn(async move { client.post_json("/register", &body).await })
        })
        .collect();

    let (mut created, mut loser) = (0, 0);
    for (n, task) in tasks.into_iter().enumerate() {
        let answer = task.await.unwrap();
        if answer.status == 200 {
            created += 1;
        } else {
            loser = n;
            let told = (answer.status.as_u16(), answer.text.as_str());
            assert_eq!(
                told,
                (
                    422,
                    r#"{"detail":"Badge number already taken","code":"field_taken"}"#
                )
            );
        }
    }

    let db = support::pool(&file.url(), 1).await;
    let left: (i64, i64) = db
        .query("SELECT (SELECT count(*) FROM persons), (SELECT count(*) FROM auth_usernames)")
        .row()
        .await;
    assert_eq!((created, left), (1, (1, 1)));
    // A name that lost over the column is free again, and no value at all is nobody's.
    for n in [loser, 101] {
        let body = json!({ "username": format!("user-{n}"), "password": PASSWORD });
        assert_eq!(
            client
                .clone()
                .from(&format!("203.0.113.{n}"))
                .post_json("/register", &body)
                .await
                .status,
            200
        );
    }
}

#[tokio::test]
async fn the_name_is_refused_before_the_own_column() {
    let (client, _auth, _file) = app().await;
    client.post_json("/register", &ada(Some("007"))).await;

    let both = client.post_json("/register", &ada(Some("007"))).await;

    assert_eq!(both.code(), "username_taken");
}
