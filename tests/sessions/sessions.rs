//! Cookie sessions on the wire: signing in and out.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;

use crate::support::{Answer, FORM, JSON, PASSWORD, TestApp, encode};

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
