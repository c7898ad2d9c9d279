//! Where guessing ends for good, and what the other doors count (SEC-035, SEC-037).

use std::time::Duration;

use crudauth::auth;
use crudauth::testing::hashes_done;
use futures_util::future::join_all;

use crate::custom;
use crate::support::{Answer, Client, PASSWORD, TestApp, User, fresh_address};

auth! {
    #[database(sqlite, postgres)]
    #[lockout(hard_stop = 20)]
    #[rate_limit(change_password = "1000/h")]
    pub struct Doors<User>;
}

async fn guess(router: &axum::Router, ip: &str, name: &str) -> Answer {
    Client::new(router.clone())
        .from(ip)
        .login(name, "wrong password")
        .await
}

/// A browser that has nothing but this device cookie.
fn browser(router: &axum::Router, device: &str) -> Client {
    let mut client = Client::new(router.clone()).from(&fresh_address());
    client
        .cookies
        .insert("device_id".to_owned(), device.to_owned());
    client
}

#[tokio::test]
async fn sec_037_a_slow_guesser_gets_less_than_a_hundred_guesses_in_thirty_days() {
    let app = TestApp::start().await;
    let id = app.register("ada").await;
    let device = app.signed_in("ada").await.cookies["device_id"].clone();
    let before = hashes_done(&app.auth);

    for _ in 0..30 * 24 * 2 {
        app.clock.advance(Duration::from_mins(30));
        guess(&app.router, &fresh_address(), "ada").await;
        if app.clock.now().as_secs() % 86_400 < 1800 {
            app.auth.sessions().sweep().await.unwrap(); // sweeping must not forget the run
        }
    }
    let strangers = hashes_done(&app.auth) - before;
    for _ in 0..40 {
        app.clock.advance(Duration::from_mins(30));
        browser(&app.router, &device)
            .login("ada", "wrong password")
            .await;
    }
    let total = hashes_done(&app.auth) - before;

    assert_eq!((strangers, total), (90, 100));
    assert_eq!(
        browser(&app.router, &device)
            .login("ada", PASSWORD)
            .await
            .status,
        429
    );
    app.auth.users().unlock(&id).await.unwrap();
    let answer = app
        .client()
        .from(&fresh_address())
        .login("ada", PASSWORD)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn sec_037_the_owners_browser_still_gets_in_after_the_strangers_stop() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let device = app.signed_in("ada").await.cookies["device_id"].clone();
    for _ in 0..120 {
        app.clock.advance(Duration::from_mins(5));
        guess(&app.router, &fresh_address(), "ada").await;
    }
    assert_eq!(
        app.client()
            .from(&fresh_address())
            .login("ada", PASSWORD)
            .await
            .status,
        429
    );

    assert_eq!(
        browser(&app.router, &device)
            .login("ada", PASSWORD)
            .await
            .status,
        200
    );
    assert_eq!(
        app.client()
            .from(&fresh_address())
            .login("ada", PASSWORD)
            .await
            .status,
        200,
        "a success ends the run"
    );
}

fn change(current: &str) -> serde_json::Value {
    serde_json::json!({ "current_password": current, "new_password": "another good password" })
}

#[tokio::test]
async fn sec_035_guesses_at_change_password_leave_the_owners_sign_in_open() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let stolen = app.signed_in("ada").await;
    let mut seen = Vec::new();

    for _ in 0..7 {
        seen.push(
            stolen
                .post_json("/change-password", &change("wrong password"))
                .await
                .status
                .as_u16(),
        );
    }

    assert_eq!(seen, [401, 401, 401, 401, 401, 429, 429]);
    assert_eq!(
        app.client()
            .from(&fresh_address())
            .login("ada", PASSWORD)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn sec_035_guesses_at_change_password_count_towards_the_stop() {
    let app = custom!(Doors);
    let id = app.register("ada").await;
    let stolen = app.signed_in("ada").await;
    let before = hashes_done(&app.auth);

    let answers = join_all((0..50).map(|_| {
        let stolen = stolen.clone();
        async move {
            stolen
                .post_json("/change-password", &change("wrong password"))
                .await
        }
    }))
    .await;

    assert_eq!(
        answers.iter().filter(|answer| answer.status == 401).count(),
        20
    );
    assert_eq!(
        hashes_done(&app.auth) - before,
        20,
        "no more than the stop allows, all doors together"
    );
    let right = stolen
        .post_json("/change-password", &change(PASSWORD))
        .await;
    assert_eq!(
        (right.status.as_u16(), right.code().as_str()),
        (429, "locked_out")
    );
    assert_eq!(
        app.client()
            .from(&fresh_address())
            .login("ada", PASSWORD)
            .await
            .status,
        429
    );
    app.auth.users().unlock(&id).await.unwrap();
    assert_eq!(
        stolen
            .post_json("/change-password", &change(PASSWORD))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn sec_035_a_right_password_at_change_password_adds_nothing_to_the_run() {
    let app = custom!(Doors);
    app.register("ada").await;
    let owner = app.signed_in("ada").await;
    let (one, other) = (PASSWORD, "another good password");

    for turn in 0..50 {
        let (current, new) = if turn % 2 == 0 {
            (one, other)
        } else {
            (other, one)
        };
        let body = serde_json::json!({ "current_password": current, "new_password": new });
        assert_eq!(
            owner.post_json("/change-password", &body).await.status,
            200,
            "change {turn}"
        );
    }

    assert_eq!(
        app.client()
            .from(&fresh_address())
            .login("ada", PASSWORD)
            .await
            .status,
        200
    );
}
