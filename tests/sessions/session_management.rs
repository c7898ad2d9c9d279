//! Looking after one's own sessions: the list, ending one, ending all.

use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, FORM, PASSWORD, TestApp, encode};

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";

/// The value of the cookie, and everything behind it.
fn cookie<'a>(answer: &'a Answer, name: &str) -> (&'a str, &'a str) {
    let found: Vec<_> = answer
        .set_cookies()
        .into_iter()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix('='))
        .collect();
    let [line] = found[..] else {
        panic!("{name} is set {} times", found.len())
    };
    line.split_once("; ").unwrap()
}

async fn sessions(client: &Client) -> Vec<Value> {
    let answer = client.get("/sessions").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json().as_array().unwrap().clone()
}

#[tokio::test]
async fn ones_own_sessions_are_listed_with_device_and_address() {
    let app = TestApp::start().await;
    app.register("ada").await;
    app.register("bob").await;
    app.signed_in("bob").await;
    let other = app.signed_in("ada").await;
    app.clock.advance(Duration::from_secs(1));
    let mut client = app.client().from("198.51.100.7");
    let body = format!("username=ada&password={}", encode(PASSWORD));
    let request = client
        .request(Method::POST, "/login")
        .header("user-agent", CHROME)
        .header("content-type", FORM);
    let answer = client.send(request.body(Body::from(body)).unwrap()).await;
    client.keep(&answer);

    let listed = sessions(&client).await;

    let [this, that] = &listed[..] else {
        panic!("{listed:?}")
    };
    assert_eq!(this["current"], true);
    assert_eq!(that["current"], false);
    assert_eq!(this["ip"], "198.51.100.7");
    assert_eq!(
        this["device"],
        json!({"browser": "Chrome", "browser_version": "120.0.0", "os": "Windows", "device": "Other",
            "is_mobile": false, "is_tablet": false, "is_pc": true})
    );
    assert_eq!(
        that["device"],
        json!({"browser": "Other", "browser_version": "Unknown", "os": "Other", "device": "Other",
            "is_mobile": false, "is_tablet": false, "is_pc": false})
    );
    assert_eq!(this["id"].as_str().unwrap().len(), 64);
    for time in ["created_at", "last_activity"] {
        let text = this[time].as_str().unwrap();
        assert!(
            text.len() == 27 && text.ends_with('Z') && text.contains('T'),
            "{text}"
        );
    }
    assert_eq!(this.as_object().unwrap().len(), 6);
    assert_eq!(sessions(&other).await.len(), 2);
    assert_eq!(app.client().get("/sessions").await.status, 401);
}

#[tokio::test]
async fn one_session_is_ended_by_its_handle() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let lost = app.signed_in("ada").await;
    let client = app.signed_in("ada").await;
    let handle = sessions(&lost)
        .await
        .into_iter()
        .find(|one| one["current"] == true)
        .unwrap();
    let path = format!("/sessions/{}", handle["id"].as_str().unwrap());

    let answer = client.delete(&path).await;

    assert_eq!(
        (answer.status.as_u16(), answer.text.as_str()),
        (200, r#"{"detail":"Session revoked."}"#)
    );
    assert!(answer.set_cookies().is_empty());
    assert_eq!(lost.get("/me").await.status, 401);
    assert_eq!(client.get("/me").await.status, 200);
    assert_eq!(client.delete(&path).await.status, 404, "it is gone");
}

#[tokio::test]
async fn sec_033_unknown_ended_and_foreign_sessions_are_not_found_alike() {
    let app = TestApp::start().await;
    app.register("ada").await;
    app.register("bob").await;
    let (ada, bob) = (app.signed_in("ada").await, app.signed_in("bob").await);
    let foreign = sessions(&bob).await[0]["id"].as_str().unwrap().to_owned();
    let body = r#"{"detail":"Session not found.","code":"session_not_found"}"#;
    for id in [
        foreign.clone(),
        foreign.to_uppercase(),
        "0".repeat(64),
        "x".to_owned(),
        "%ff".to_owned(),
        "%00".to_owned(),
    ] {
        let answer = ada.delete(&format!("/sessions/{id}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text.as_str()),
            (404, body),
            "{id}"
        );
    }
    assert_eq!(bob.get("/me").await.status, 200);
}

#[tokio::test]
async fn ending_the_calling_session_deletes_its_cookies() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let client = app.signed_in("ada").await;
    let handle = sessions(&client).await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();

    let answer = client.delete(&format!("/sessions/{handle}")).await;

    assert_eq!(answer.status, 200);
    assert!(cookie(&answer, "session_id").1.contains("Max-Age=0"));
    assert!(cookie(&answer, "csrf_token").1.contains("Max-Age=0"));
    assert_eq!(client.get("/me").await.status, 401);
}

#[tokio::test]
async fn signing_out_everywhere_ends_and_counts_every_session() {
    let app = TestApp::start().await;
    app.register("ada").await;
    app.register("bob").await;
    let (first, second, bob) = (
        app.signed_in("ada").await,
        app.signed_in("ada").await,
        app.signed_in("bob").await,
    );

    let kept = second.post("/logout-all?keep_current=true").await;
    let (gone, left) = (
        first.get("/me").await.status,
        second.get("/me").await.status,
    );
    let all = second.post("/logout-all").await;

    assert_eq!(
        kept.text,
        r#"{"detail":"Signed out of all sessions.","revoked":1}"#
    );
    assert!(kept.set_cookies().is_empty());
    assert_eq!((gone.as_u16(), left.as_u16()), (401, 200));
    assert_eq!(
        all.text,
        r#"{"detail":"Signed out of all sessions.","revoked":1}"#
    );
    assert!(cookie(&all, "session_id").1.contains("Max-Age=0"));
    assert_eq!(second.get("/me").await.status, 401);
    assert_eq!(bob.get("/me").await.status, 200);
}

#[tokio::test]
async fn signing_out_everywhere_is_limited_per_user_and_reads_its_flag_strictly() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let client = app.signed_in("ada").await;

    let bad = client.post("/logout-all?keep_current=maybe").await;
    assert_eq!(bad.status, 422);
    assert_eq!(
        bad.json()["detail"][0]["loc"],
        json!(["query", "keep_current"])
    );
    assert_eq!(bad.json()["detail"][0]["type"], "bool_parsing");
    for left in (0..9).rev() {
        let answer = client.post("/logout-all?keep_current=1").await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("x-ratelimit-limit")),
            (200, Some("10"))
        );
        assert_eq!(
            answer.header("x-ratelimit-remaining"),
            Some(left.to_string().as_str())
        );
    }
    let elsewhere = client
        .clone()
        .from("198.51.100.9")
        .post("/logout-all?keep_current=1")
        .await;
    assert_eq!(elsewhere.status, 429);
    assert_eq!(
        elsewhere.json()["detail"],
        "Too many requests. Try again later."
    );
    assert_eq!(elsewhere.header("x-ratelimit-remaining"), Some("0"));
    assert!(
        elsewhere
            .header("retry-after")
            .unwrap()
            .parse::<u64>()
            .unwrap()
            <= 3600
    );
}
