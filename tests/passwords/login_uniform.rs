//! One answer, one cost, for everything that is not a right password of a live account (SEC-021 … SEC-027).

use axum::http::HeaderMap;
use crudauth::PasswordHash;
use crudauth::testing::{TestBuilder, hashes_done};
use serde_json::json;

use crate::support::{self, Answer, Auth, Client, PASSWORD, SECRET, TestApp, fresh_address};

/// Accounts that cannot be opened, each for another reason; their names.
async fn closed_accounts(app: &TestApp) -> Vec<&'static str> {
    for name in ["wrong", "disabled", "unusable", "empty", "corrupt", "huge"] {
        app.register(name).await;
    }
    let set = async |name: &str, hash: &str| {
        let sql = "UPDATE users SET password_hash = $1 WHERE username = $2";
        app.db.query(sql).bind(hash).bind(name).execute().await;
    };
    set("unusable", "!made-by-a-provider").await;
    set("empty", "").await;
    set("corrupt", "$argon2id$v=19$m=32,t=1,p=1$c2FsdA").await;
    set("huge", "$argon2id$v=19$m=2147483648,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await;
    let disabled = app
        .auth
        .users()
        .find_by_username("disabled")
        .await
        .unwrap()
        .unwrap()
        .id;
    app.auth.users().disable(&disabled).await.unwrap();
    vec![
        "nobody",
        "nobody@example.net",
        "wrong",
        "wrong@example.com",
        "disabled",
        "unusable",
        "empty",
        "corrupt",
        "huge",
    ]
}

/// Everything of an answer but what differs on purpose between any two answers.
fn uniform(answer: &Answer) -> (u16, HeaderMap, String) {
    let mut headers = answer.headers.clone();
    assert!(headers.remove("x-request-id").is_some());
    headers.remove("date");
    (answer.status.as_u16(), headers, answer.text.clone())
}

#[tokio::test]
async fn sec_021_every_refusal_is_the_same_to_the_byte() {
    let app = TestApp::start().await;
    let mut seen = Vec::new();

    for name in closed_accounts(&app).await {
        // The disabled account is tried with its right password.
        let password = if name == "disabled" {
            PASSWORD
        } else {
            "not the password"
        };
        let answer = app
            .client()
            .from(&fresh_address())
            .login(name, password)
            .await;
        seen.push((name, uniform(&answer)));
    }
    let too_long = app
        .client()
        .from(&fresh_address())
        .login("wrong", &"x".repeat(2000))
        .await;
    seen.push(("too long", uniform(&too_long)));

    let (_, first) = &seen[0];
    assert_eq!(
        (first.0, first.2.as_str()),
        (
            401,
            r#"{"detail":"Incorrect username or password","code":"incorrect_credentials"}"#
        )
    );
    for (name, answer) in &seen {
        assert_eq!(answer, first, "{name}");
    }
}

#[tokio::test]
async fn sec_022_every_refusal_costs_exactly_one_hash() {
    let app = TestApp::start().await;
    let names = closed_accounts(&app).await;
    for name in names {
        for password in ["not the password", PASSWORD] {
            if name.starts_with("wrong") && password == PASSWORD {
                continue;
            }
            let before = hashes_done(&app.auth);
            let answer = app
                .client()
                .from(&fresh_address())
                .login(name, password)
                .await;
            assert_eq!(answer.status, 401, "{name}");
            assert_eq!(hashes_done(&app.auth) - before, 1, "{name}");
        }
    }
    let before = hashes_done(&app.auth);
    assert_eq!(app.client().login("wrong", PASSWORD).await.status, 200);
    assert_eq!(
        hashes_done(&app.auth) - before,
        1,
        "a right password costs as much"
    );
}

/// An application whose accounts were made with other parameters than those in force.
async fn with_old_hash() -> (TestApp, String) {
    let app = TestApp::start().await;
    let old = Auth::builder(support::pool(&app.file.url(), 1).await)
        .secret(SECRET)
        .manual_workers()
        .await
        .unwrap();
    let client = Client::new(support::routes(&old));
    let body = json!({ "email": "old@example.com", "username": "old", "password": PASSWORD });
    assert_eq!(client.post_json("/register", &body).await.status, 200);
    let hash = stored(&app).await;
    (app, hash)
}

async fn stored(app: &TestApp) -> String {
    app.db
        .query("SELECT password_hash FROM users WHERE username = 'old'")
        .scalar()
        .await
}

#[tokio::test]
async fn sec_023_an_old_hash_shows_only_to_the_right_password() {
    let (app, old) = with_old_hash().await;
    let before = hashes_done(&app.auth);

    let refused = app.client().login("old", "not the password").await;
    let unknown = app.client().login("nobody", "not the password").await;

    assert_eq!(uniform(&refused), uniform(&unknown));
    assert_eq!(hashes_done(&app.auth) - before, 2, "one each");
    assert_eq!(stored(&app).await, old, "and nothing was stored");
    assert_eq!(app.client().login("old", PASSWORD).await.status, 200);
    assert_eq!(
        hashes_done(&app.auth) - before,
        4,
        "checked and hashed anew"
    );
    assert_ne!(stored(&app).await, old);
}

#[tokio::test]
async fn sec_003_two_upgrades_at_once_leave_one_hash_that_opens() {
    let (app, old) = with_old_hash().await;

    let (mut one, mut two) = (app.client(), app.client());
    let (one, two) = tokio::join!(one.login("old", PASSWORD), two.login("old", PASSWORD));

    assert_eq!((one.status.as_u16(), two.status.as_u16()), (200, 200));
    let upgraded = stored(&app).await;
    assert_ne!(upgraded, old);
    assert_eq!(app.client().login("old", PASSWORD).await.status, 200);
    assert_eq!(stored(&app).await, upgraded, "once");
}

/// Does not compile when the type implements the trait: the call would be ambiguous.
macro_rules! lacks {
    ($($type:ty: $bound:path;)*) => {$(
        const _: fn() = || {
            trait Ambiguous<A> {
                fn call() {}
            }
            impl<T: ?Sized> Ambiguous<()> for T {}
            struct Implements;
            impl<T: ?Sized + $bound> Ambiguous<Implements> for T {}
            let _ = <$type as Ambiguous<_>>::call;
        };
    )*};
}

lacks! {
    PasswordHash: PartialEq;
    PasswordHash: serde::Serialize;
    PasswordHash: std::fmt::Display;
    crudauth::session::flow::Refreshed: PartialEq;
    crudauth::session::flow::Opened<support::User>: PartialEq;
    crudauth::session::flow::Opened<support::User>: serde::Serialize;
    crudauth::testing::SignedIn: PartialEq;
    crudauth::testing::SignedIn: serde::Serialize;
}

#[test]
fn sec_024_types_that_hold_secrets_cannot_be_compared_or_serialised() {
    // `lacks!` above is the test; that it can fail is shown on a type that has the trait.
    trait Probe {
        const FOUND: bool;
    }
    impl<T: PartialEq> Probe for T {
        const FOUND: bool = true;
    }
    const { assert!(<String as Probe>::FOUND) };
}

#[tokio::test]
async fn sec_025_no_spelling_of_an_address_makes_a_second_account() {
    let app = TestApp::start().await;
    app.register("alice").await;
    let spellings = [
        "ALICE@example.com",
        "alice@EXAMPLE.COM",
        " alice@example.com",
        "ａlice@example.com",
        "alıce@example.com",
        "alİce@example.com",
        "aliCE@example.com",
        "alice@example.com\u{200b}",
        "alice@ｅxample.com",
        "alice@example。com",
        "ALICE@EXAMPLE.COM ",
    ];

    for (turn, email) in spellings.iter().enumerate() {
        let body =
            json!({ "email": email, "username": format!("other{turn}"), "password": PASSWORD });
        let answer = app
            .client()
            .from(&fresh_address())
            .post_json("/register", &body)
            .await;
        assert_eq!(answer.status, 422, "{email}");
    }

    assert_eq!(app.count("SELECT count(*) FROM users").await, 1);
}

#[tokio::test]
async fn sec_025_user_names_are_unique_folded_and_matched_as_typed() {
    let app = TestApp::start().await;
    app.register("alice").await;
    for (turn, username) in ["ALICE", "Alice", "ａlice", "ALIce", "alice\u{ad}"]
        .iter()
        .enumerate()
    {
        let body = json!({ "email": format!("o{turn}@example.com"), "username": username, "password": PASSWORD });
        let answer = app
            .client()
            .from(&fresh_address())
            .post_json("/register", &body)
            .await;
        assert_eq!(answer.status, 422, "{username}");
    }

    assert_eq!(app.count("SELECT count(*) FROM users").await, 1);
    assert_eq!(app.client().login("ALICE", PASSWORD).await.status, 401);
    assert_eq!(app.client().login("alice", PASSWORD).await.status, 200);
    assert_eq!(
        app.client()
            .login(" ALICE@Example.com ", PASSWORD)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn sec_027_a_user_name_cannot_be_somebodys_address() {
    let app = TestApp::start().await;
    app.register("victim").await;
    let names = [
        "victim@example.com",
        "VICTIM@example.com",
        "victim＠example.com",
        "someone@else.org",
    ];
    for (turn, username) in names.iter().enumerate() {
        let body = json!({ "email": format!("m{turn}@example.com"), "username": username, "password": "mallory's own words" });
        let answer = app
            .client()
            .from(&fresh_address())
            .post_json("/register", &body)
            .await;
        assert_eq!(answer.status, 422, "{username}");
    }

    assert_eq!(
        app.client()
            .login("victim@example.com", "mallory's own words")
            .await
            .status,
        401
    );
    let answer = app.client().login("victim@example.com", PASSWORD).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["username"].as_str()),
        (200, Some("victim"))
    );
}
