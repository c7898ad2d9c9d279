//! Sign-ups at the same moment: one account, and one answer for everybody else (contract §1.1).

use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp};

const EMAIL_TAKEN: &str = r#"{"detail":"Email already registered","code":"email_taken"}"#;
const USERNAME_TAKEN: &str = r#"{"detail":"Username already taken","code":"username_taken"}"#;

fn body(email: &str, username: &str) -> Value {
    json!({ "email": email, "username": username, "password": PASSWORD })
}

/// Fifty at the same moment: whoever is not first gets the answer that the look-up before gives.
async fn race(bodies: Vec<Value>, loser: &str) {
    let app = TestApp::start().await;
    let client = app.client();
    let tasks: Vec<_> = bodies
        .into_iter()
        .enumerate()
        .map(|(n, body)| {
            let client = client.clone().from(&format!("198.51.100.{}", n + 1));
            tokio::spawn(async move { client.post_json("/register", &body).await })
        })
        .collect();
    let mut created = 0;
    for task in tasks {
        let answer = task.await.unwrap();
        if answer.status == 200 {
            created += 1;
        } else {
            assert_eq!((answer.status.as_u16(), answer.text.as_str()), (422, loser));
            assert_eq!(answer.header("x-ratelimit-remaining"), Some("4"));
        }
    }
    assert_eq!(created, 1);
    assert_eq!(app.count("SELECT count(*) FROM users").await, 1);
    assert_eq!(app.count("SELECT count(*) FROM auth_usernames").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_sign_ups_with_one_address_make_one_account() {
    let spellings = ["ada@x.com", "ADA@X.com", " ada@x.COM", "\u{ff41}da@x.com"];
    race(
        (0..50)
            .map(|n| body(spellings[n % 4], &format!("user-{n}")))
            .collect(),
        EMAIL_TAKEN,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_sign_ups_with_one_name_make_one_account() {
    race(
        (0..50)
            .map(|n| body(&format!("u{n}@x.com"), "ada"))
            .collect(),
        USERNAME_TAKEN,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_025_fifty_spellings_of_one_name_make_one_account() {
    let spellings = [
        "Straße",
        "STRASSE",
        "strasse",
        "\u{ff33}trasse",
        "STRA\u{1e9e}E",
    ];
    race(
        (0..50)
            .map(|n| body(&format!("u{n}@x.com"), spellings[n % 5]))
            .collect(),
        USERNAME_TAKEN,
    )
    .await;
}
