//! Tokens over HTTP: every row of the wire contract's `/token`, `/refresh` and bearer guard.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod support;
#[path = "support/tokens.rs"]
mod tokens;

use std::time::Duration;

use serde_json::json;
use support::PASSWORD;
use tokens::{Pair, app};

#[tokio::test]
async fn a_program_signs_in_is_served_and_renews_its_token() {
    let app = app().await;
    let id = app.register("ada").await;

    let answer = app.token("ada", PASSWORD, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    assert_eq!(body["token_type"], "bearer");
    assert_eq!(body["expires_in"], 900);
    assert_eq!(body["scope"], "read");
    assert!(
        answer.set_cookies().is_empty(),
        "{:?}",
        answer.set_cookies()
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let pair = Pair::of(&answer);

    let me = app.get("/me", &pair.access).await;
    assert_eq!(
        me.json(),
        json!({ "user_id": id, "username": "ada", "email": "ada@example.com", "is_superuser": false,
            "scopes": ["read"], "via": "bearer" })
    );

    app.clock.advance(Duration::from_mins(16));
    assert_eq!(app.get("/me", &pair.access).await.status, 401);
    let renewed = app.refresh(&pair.refresh).await;
    assert_eq!(renewed.status, 200, "{}", renewed.text);
    let renewed = Pair::of(&renewed);
    assert_ne!(renewed.refresh, pair.refresh);
    assert_eq!(app.get("/me", &renewed.access).await.status, 200);
}

#[tokio::test]
async fn one_handler_serves_both_transports() {
    let app = app().await;
    let id = app.register("ada").await;
    let browser = app.signed_in("ada").await;
    let pair = app.pair("ada").await;

    assert_eq!(
        browser.get("/dashboard").await.json(),
        json!({ "id": id, "via": "session" })
    );
    assert_eq!(
        app.get("/dashboard", &pair.access).await.json(),
        json!({ "id": id, "via": "bearer" })
    );
    // A token needs no CSRF token; a cookie does.
    let posted = app.post_json("/dashboard", &pair.access, &json!({})).await;
    assert_eq!(posted.status, 200, "{}", posted.text);
    let mut bare = browser.clone();
    bare.csrf = None;
    assert_eq!(bare.post("/dashboard").await.code(), "csrf_missing");
    // One way only.
    assert_eq!(app.get("/machines", &pair.access).await.status, 200);
    assert_eq!(browser.get("/machines").await.code(), "not_authenticated");
}

#[tokio::test]
async fn a_scope_is_granted_when_it_is_asked_for_and_grantable() {
    let app = app().await;
    app.register("ada").await;
    for (asked, granted) in [
        ("", json!(["read"])),
        ("&scope=", json!(["read"])),
        ("&scope=reports%3Aread", json!(["reports:read"])),
        (
            "&scope=reports%3Aread+read+admin",
            json!(["read", "reports:read"]),
        ),
        ("&scope=admin", json!([])),
    ] {
        let pair = app.pair_with("ada", asked).await;
        assert_eq!(
            app.get("/me", &pair.access).await.json()["scopes"],
            granted,
            "{asked}"
        );
        let reports = app.get("/reports", &pair.access).await;
        if granted.as_array().unwrap().contains(&json!("reports:read")) {
            assert_eq!(reports.status, 200);
        } else {
            assert_eq!(reports.code(), "insufficient_scope");
            assert_eq!(
                reports.header("www-authenticate"),
                Some(r#"Bearer error="insufficient_scope""#)
            );
        }
    }
    let browser = app.signed_in("ada").await;
    assert_eq!(browser.get("/reports").await.code(), "insufficient_scope");
}
