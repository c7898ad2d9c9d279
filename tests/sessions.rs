//! Cookie sessions on the wire: signing in and out, and looking after one's own sessions.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail where an application may not"
)]

mod support;

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use support::{Answer, Client, FORM, JSON, PASSWORD, TestApp, encode};

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";

fn detail(text: &str) -> Value {
    json!(text)
}

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
async fn signing_in_answers_with_id_name_and_token_and_sets_three_cookies() {
    let app = TestApp::start().await;
    let id = app.register("ada").await;

    let answer = app.client().login("ada@example.com", PASSWORD).await;

    let (session, session_attributes) = cookie(&answer, "session_id");
    let (csrf, csrf_attributes) = cookie(&answer, "csrf_token");
    let (_, device_attributes) = cookie(&answer, "device_id");
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.text,
        format!(r#"{{"id":{id},"username":"ada","csrf_token":"{csrf}"}}"#)
    );
    assert_eq!(session.len(), 43);
    assert_eq!(session_attributes, "HttpOnly; Path=/; SameSite=lax; Secure");
    assert!(
        csrf.len() == 64
            && csrf
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    );
    assert_eq!(csrf_attributes, "Path=/; SameSite=lax; Secure");
    assert_eq!(
        device_attributes,
        "HttpOnly; Max-Age=34560000; Path=/; SameSite=lax; Secure"
    );
    assert_eq!(answer.set_cookies().len(), 3);
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn remember_me_in_every_spelling_gives_both_cookies_thirty_days() {
    let app = TestApp::start().await;
    app.register("ada").await;
    for spelling in ["true", "1", "on", "yes", "y", "t", "TRUE", "On"] {
        let answer = app
            .client()
            .login_with("ada", PASSWORD, &format!("&remember_me={spelling}"))
            .await;
        assert_eq!(
            cookie(&answer, "session_id").1,
            "HttpOnly; Max-Age=2592000; Path=/; SameSite=lax; Secure"
        );
        assert_eq!(
            cookie(&answer, "csrf_token").1,
            "Max-Age=2592000; Path=/; SameSite=lax; Secure"
        );
    }
    for spelling in ["false", "0", "off", "no", "n", "f", "False", ""] {
        let answer = app
            .client()
            .login_with("ada", PASSWORD, &format!("&remember_me={spelling}"))
            .await;
        assert_eq!(
            cookie(&answer, "session_id").1,
            "HttpOnly; Path=/; SameSite=lax; Secure"
        );
    }
}

#[tokio::test]
async fn the_fields_of_a_sign_in_are_checked() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let client = app.client();
    let missing =
        |name: &str| json!({"type": "missing", "loc": ["body", name], "msg": "Field required"});
    let good = format!("username=ada&password={}", encode(PASSWORD));
    let json_body = json!({"username": "ada", "password": PASSWORD}).to_string();

    for (kind, body, expected) in [
        (
            JSON,
            json_body,
            json!([missing("username"), missing("password")]),
        ),
        (
            FORM,
            String::new(),
            json!([missing("username"), missing("password")]),
        ),
        (
            FORM,
            "username=ada".to_owned(),
            json!([missing("password")]),
        ),
        (
            FORM,
            format!("{good}&grant_type=zzz"),
            json!([{"type": "string_pattern_mismatch", "loc": ["body", "grant_type"],
                "msg": "String should match pattern '^password$'", "ctx": {"pattern": "^password$"}}]),
        ),
        (
            FORM,
            format!("{good}&remember_me=perhaps"),
            json!([{"type": "bool_parsing", "loc": ["body", "remember_me"],
                "msg": "Input should be a valid boolean, unable to interpret input"}]),
        ),
    ] {
        let answer = client.post_body("/login", kind, body).await;
        assert_eq!(
            (answer.status, &answer.json()["detail"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &expected)
        );
        assert_eq!(answer.code(), "validation_error");
        assert!(answer.set_cookies().is_empty());
    }
    let more = "&grant_type=password&scope=&client_id=x&client_secret=y&unknown=z";
    assert_eq!(
        client
            .post_body("/login", FORM, format!("{good}{more}"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_multipart_form_signs_in() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let part = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body = format!(
        "{}{}--b--\r\n",
        part("username", "ada"),
        part("password", PASSWORD)
    );
    let answer = app
        .client()
        .post_body("/login", "multipart/form-data; boundary=b", body)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    cookie(&answer, "session_id");
}

#[tokio::test]
async fn unknown_wrong_and_disabled_are_refused_alike() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let closed = app.register("closed").await;
    app.auth.users().disable(&closed).await.unwrap();
    let body = r#"{"detail":"Incorrect username or password","code":"incorrect_credentials"}"#;
    for (name, password) in [
        ("ada", "wrong password"),
        ("nobody", PASSWORD),
        ("closed", PASSWORD),
        ("ADA", PASSWORD),
    ] {
        let answer = app.client().login(name, password).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text.as_str()),
            (401, body),
            "{name}"
        );
        assert!(answer.set_cookies().is_empty());
    }
}

#[tokio::test]
async fn signing_out_ends_the_session_and_deletes_both_cookies() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let mut client = app.signed_in("ada").await;
    let copy = client.clone();

    let answer = client.post("/logout").await;

    assert_eq!(
        (answer.status.as_u16(), answer.text.as_str()),
        (200, r#"{"detail":"Logged out"}"#)
    );
    let (session, attributes) = cookie(&answer, "session_id");
    let (date, attributes) = attributes.split_once("; HttpOnly").unwrap();
    assert_eq!(
        (session, attributes),
        ("\"\"", "; Max-Age=0; Path=/; SameSite=lax; Secure")
    );
    assert!(
        date.starts_with("expires=") && date.ends_with(" GMT"),
        "{date}"
    );
    let (csrf, attributes) = cookie(&answer, "csrf_token");
    assert_eq!(csrf, "\"\"");
    assert_eq!(
        attributes,
        format!("{date}; Max-Age=0; Path=/; SameSite=lax; Secure")
    );
    assert_eq!(answer.set_cookies().len(), 2, "the device cookie survives");
    client.keep(&answer);
    assert_eq!(copy.get("/me").await.status, 401);
    assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 0);
}

#[tokio::test]
async fn signing_out_of_no_session_clears_the_cookies_and_needs_no_token() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let mut expired = app.signed_in("ada").await;
    expired.csrf = None;
    app.clock.advance(Duration::from_secs(30 * 60 + 1));
    let mut made_up = app.client();
    made_up
        .cookies
        .insert("session_id".to_owned(), "A".repeat(43));
    for client in [app.client(), expired, made_up] {
        let answer = client.post("/logout").await;
        assert_eq!(
            (answer.status.as_u16(), answer.text.as_str()),
            (200, r#"{"detail":"Logged out"}"#)
        );
        assert_eq!(answer.set_cookies().len(), 2);
    }
}

#[tokio::test]
async fn signing_out_of_a_live_session_needs_the_token() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let mut client = app.signed_in("ada").await;
    client.csrf = None;

    let answer = client.post("/logout").await;

    assert_eq!(
        answer.text,
        r#"{"detail":"Missing CSRF token","code":"csrf_missing"}"#
    );
    assert_eq!(answer.status, 403);
    assert!(answer.set_cookies().is_empty());
    assert_eq!(client.get("/me").await.status, 200);
}

#[tokio::test]
async fn the_caller_is_described() {
    let app = TestApp::start().await;
    let id = app.register("ada").await;
    let answer = app.signed_in("ada").await.get("/me").await;
    assert_eq!(
        answer.text,
        format!(
            r#"{{"user_id":{id},"username":"ada","email":"ada@example.com","is_superuser":false,"scopes":[],"via":"session"}}"#
        )
    );
    let nobody = app.client().get("/me").await;
    assert_eq!(nobody.status, 401);
    assert_eq!(
        nobody.text,
        r#"{"detail":"Not authenticated","code":"not_authenticated"}"#
    );
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
async fn unknown_ended_and_foreign_sessions_are_not_found_alike() {
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
        detail("Too many requests. Try again later.")
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
