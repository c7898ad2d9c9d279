//! Proving once more who one is: the route, the guard, the handle.

use std::time::Duration;

use serde_json::json;

use crate::custom;
use crate::support::{Client, PASSWORD};
use crate::world::{MINUTE, SECOND, Strict, World, is_elevated, refusal, told, try_with};

#[tokio::test]
async fn the_password_elevates_the_session_until_an_instant_and_the_guard_passes() {
    let w = World::start().await;
    let ada = w.ada().await;
    assert!(!is_elevated(&ada).await, "a fresh sign-in is no elevation");
    let answer = try_with(&ada, PASSWORD).await;
    let until = w.app.clock.now().plus(Duration::from_mins(5)).to_rfc3339();
    assert_eq!(answer.text, format!(r#"{{"elevated_until":"{until}"}}"#));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.set_cookies().is_empty(), "the session keeps its id");
    assert!(is_elevated(&ada).await, "and its CSRF token");
    let told = w.told.lock().unwrap().clone();
    let line = r#"ada password 5m Some(192.0.2.1) Some("session") true"#;
    assert_eq!(told, [line]);
}

#[tokio::test]
async fn the_third_wrong_proof_locks_every_session_of_the_account_and_ends_its_elevations() {
    let w = World::start().await;
    let (ada, other) = (w.elevated().await, w.elevated().await);
    let wrong = told(401, "Incorrect password", "sudo_password_incorrect");
    assert_eq!(refusal(&try_with(&ada, "wrong").await), wrong);
    let long = "x".repeat(2000);
    assert_eq!(refusal(&try_with(&ada, &long).await), wrong);
    assert!(is_elevated(&ada).await, "two wrong ones end nothing");
    let third = try_with(&ada, "wrong").await;
    let locked = told(429, "Too many attempts. Try again later.", "sudo_locked");
    assert_eq!(refusal(&third), locked);
    assert_eq!(third.header("retry-after"), Some("900"));
    for browser in [&ada, &other] {
        assert!(!is_elevated(browser).await);
        assert_eq!(refusal(&try_with(browser, PASSWORD).await), locked);
    }
    w.app.clock.advance(Duration::from_secs(899));
    let late = try_with(&other, PASSWORD).await;
    assert_eq!(refusal(&late), locked);
    assert_eq!(late.header("retry-after"), Some("1"), "no try prolongs it");
    w.app.clock.advance(SECOND);
    assert_eq!(try_with(&other, PASSWORD).await.status, 200);
    assert!(is_elevated(&other).await && !is_elevated(&ada).await);
}

#[tokio::test]
async fn a_right_proof_clears_the_wrong_ones() {
    let w = World::start().await;
    let ada = w.ada().await;
    for _ in 0..3 {
        assert_eq!(try_with(&ada, "wrong").await.status, 401);
        assert_eq!(try_with(&ada, "wrong").await.status, 401);
        assert_eq!(try_with(&ada, PASSWORD).await.status, 200);
    }
    assert_eq!(
        w.app
            .count("SELECT count(*) FROM auth_attempts WHERE run > 0")
            .await,
        1,
        "but the account's run is ended by signing in alone"
    );
}

#[tokio::test]
async fn a_body_shows_one_proof_and_a_code_is_none_yet() {
    let w = World::start().await;
    let ada = w.ada().await;
    for body in [
        json!({}),
        json!({ "password": null }),
        json!({ "password": 5 }),
        json!({ "code": ["1"] }),
        json!({ "password": PASSWORD, "code": "123456" }),
    ] {
        let answer = ada.post_json("/sudo", &body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (422, "validation_error"),
            "{body}"
        );
    }
    assert_eq!(ada.post("/sudo").await.status, 422);
    let body = json!({ "password": PASSWORD, "code": null });
    assert_eq!(ada.post_json("/sudo", &body).await.status, 200);
    let code = json!({ "code": "123456" });
    let answers = [
        ada.post_json("/sudo", &code).await,
        ada.post_json("/sudo", &code).await,
        ada.post_json("/sudo", &code).await,
    ];
    assert_eq!(
        refusal(&answers[0]),
        told(401, "Invalid code", "invalid_code")
    );
    assert_eq!(
        answers.map(|answer| answer.status.as_u16()),
        [401, 401, 429]
    );
}

#[tokio::test]
async fn only_the_sessions_own_pages_may_try() {
    let w = World::start().await;
    let mut ada = w.ada().await;
    ada.csrf = None;
    let missing = try_with(&ada, PASSWORD).await;
    assert_eq!(refusal(&missing).2, "csrf_missing");
    assert_eq!(missing.header("x-csrf-error"), Some("true"));
    let nobody = w.app.client();
    let answer = try_with(&nobody, PASSWORD).await;
    assert_eq!(refusal(&answer).2, "not_authenticated");
    assert_eq!(w.rows().await, 0);
}

#[tokio::test]
async fn the_guard_stands_behind_superuser_and_before_the_body() {
    let w = World::start().await;
    let ada = w.ada().await;
    let code = async |client: &Client| client.post("/purge").await.code();
    assert_eq!(code(&ada).await, "insufficient_privileges");
    let id = w.id().await;
    assert!(w.app.auth.users().grant_superuser(&id).await.unwrap());
    assert_eq!(code(&ada).await, "sudo_required");
    assert_eq!(try_with(&ada, PASSWORD).await.status, 200);
    assert_eq!(ada.post("/purge").await.status, 200);
}

#[tokio::test]
async fn the_elevation_of_one_session_says_nothing_about_another() {
    let w = World::start().await;
    let (phone, laptop) = (w.elevated().await, w.ada().await);
    assert!(is_elevated(&phone).await && !is_elevated(&laptop).await);
    w.app.clock.advance(MINUTE);
    assert_eq!(try_with(&laptop, PASSWORD).await.status, 200);
    w.app.clock.advance(Duration::from_mins(4));
    assert!(!is_elevated(&phone).await && is_elevated(&laptop).await);
}

#[tokio::test]
async fn a_proof_can_be_asked_for_that_is_fresher_than_the_elevation() {
    let w = World::start().await;
    let ada = w.elevated().await;
    w.app.clock.advance(Duration::from_secs(119));
    assert_eq!(ada.post("/fresh").await.status, 200);
    w.app.clock.advance(SECOND);
    assert_eq!(ada.post("/fresh").await.code(), "sudo_required");
    assert!(is_elevated(&ada).await);
    assert_eq!(try_with(&ada, PASSWORD).await.status, 200);
    assert_eq!(ada.post("/fresh").await.status, 200);
    // What another way has proven is a proof, and not by the password.
    let other = "UPDATE auth_elevations SET method = 'telepathy'";
    w.app.db.run(other).await;
    assert_eq!(ada.post("/fresh").await.code(), "sudo_required");
}

#[tokio::test]
async fn the_block_says_how_long_how_often_and_for_how_long_not() {
    let app = custom!(Strict);
    app.register("ada").await;
    let ada = app.signed_in("ada").await;
    let first = try_with(&ada, "wrong").await;
    assert_eq!(first.status, 429, "one try");
    assert_eq!(first.header("retry-after"), Some("3600"));
    app.clock.advance(Duration::from_mins(20));
    let ada = app.signed_in("ada").await;
    assert_eq!(
        try_with(&ada, PASSWORD).await.header("retry-after"),
        Some("2400")
    );
    app.clock.advance(Duration::from_mins(40));
    let ada = app.signed_in("ada").await;
    assert_eq!(try_with(&ada, PASSWORD).await.status, 200);
    app.clock.advance(MINUTE);
    assert_eq!(app.count("SELECT count(*) FROM auth_elevations").await, 1);
    assert!(app.auth.sessions().sweep().await.unwrap() > 0);
    assert_eq!(app.count("SELECT count(*) FROM auth_elevations").await, 0);
}

#[tokio::test]
async fn a_route_of_the_applications_own_elevates_and_lowers() {
    let w = World::start().await;
    let ada = w.ada().await;
    let by_hand = async |password: &'static str| {
        let answer = ada.post_body("/by-hand", "text/plain", password).await;
        answer.text
    };
    assert_eq!(by_hand("wrong").await, "Wrong");
    assert_eq!(by_hand(PASSWORD).await, "elevated");
    assert!(is_elevated(&ada).await);
    assert_eq!(ada.post("/lower").await.text, "true true false");
    assert_eq!(ada.post("/lower").await.text, "false false false");
    assert!(!is_elevated(&ada).await);
    assert_eq!(by_hand("wrong").await, "Wrong");
    assert_eq!(by_hand("wrong").await, "Wrong");
    assert_eq!(by_hand("wrong").await, "Locked(900)");
    assert_eq!(by_hand(PASSWORD).await, "Locked(900)");
}

#[tokio::test]
async fn a_guard_that_cannot_ask_lets_nobody_pass() {
    let w = World::start().await;
    let ada = w.elevated().await;
    w.app
        .db
        .run("ALTER TABLE auth_elevations RENAME TO elsewhere")
        .await;
    assert!(ada.post("/danger").await.status.is_server_error());
    assert_eq!(ada.get("/me").await.status, 200, "nobody else asks");
    w.app
        .db
        .run("ALTER TABLE elsewhere RENAME TO auth_elevations")
        .await;
    assert!(is_elevated(&ada).await);
}
