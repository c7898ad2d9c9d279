//! What every route of recovery has in common: how it reads a request, and what it never tells.

use axum::body::Body;
use axum::http::Method;
use crudauth::mail::MessageKind;
use crudauth_runtime::features::{email_change, recovery};
use serde_json::{Value, json};

use crate::mailed::{MailApp, MailAuth, mail_app};
use crate::support::{Answer, Client, FORM, JSON, PASSWORD, fresh_address};

const NEW: &str = "another fine passphrase";

/// One request that would be answered with 200.
struct Good {
    path: &'static str,
    client: Client,
    body: Value,
}

impl Good {
    async fn send(&self) -> Answer {
        self.client.post_json(self.path, &self.body).await
    }
}

/// One for each of the seven routes, each about an account of its own, so that they do not get into each other's way.
async fn good(app: &MailApp<MailAuth>, nth: usize) -> Vec<Good> {
    let name = |part: &str| format!("{part}{nth}");
    let anybody = || app.client().from(&fresh_address());
    app.sign_up(&name("ada")).await;
    let verify = app.token(MessageKind::VerifyEmail, &name("ada"));
    app.verified(&name("bob")).await;
    let reset = app.reset_token(&name("bob")).await;
    let mut browsers = Vec::new();
    for part in ["carl", "dora", "emil"] {
        app.verified(&name(part)).await;
        browsers.push(app.signed_in(&name(part)).await.from(&fresh_address()));
    }
    app.move_to(&browsers[0], &name("charles")).await;
    let change = app.token(MessageKind::ChangeEmail, &name("charles"));
    app.move_to(&browsers[1], &name("theodora")).await;
    let moved = app.token(MessageKind::ChangeEmail, &name("theodora"));
    assert_eq!(
        app.confirm("/email/change-confirm", &moved).await.status,
        200
    );
    app.deliver().await;
    let undo = app.token(MessageKind::EmailChanged, &name("dora"));
    let of = |path, client, body| Good { path, client, body };
    let address = json!({ "email": format!("{}@example.com", name("emil")) });
    let new = json!({ "new_email": format!("{}@example.com", name("new")), "password": PASSWORD });
    vec![
        of("/email/change-request", browsers.pop().unwrap(), new),
        of("/email/verify-request", anybody(), address.clone()),
        of("/password/reset-request", anybody(), address),
        of(
            "/email/verify-confirm",
            anybody(),
            json!({ "token": verify }),
        ),
        of(
            "/password/reset-confirm",
            anybody(),
            json!({ "token": reset, "new_password": NEW }),
        ),
        of(
            "/email/change-confirm",
            anybody(),
            json!({ "token": change }),
        ),
        of("/email/change-undo", anybody(), json!({ "token": undo })),
    ]
}

#[tokio::test]
async fn these_are_all_the_routes_of_recovery() {
    let app = mail_app().await;
    let mut tried: Vec<_> = good(&app, 0)
        .await
        .into_iter()
        .map(|good| good.path)
        .collect();
    let mut declared: Vec<_> = [&recovery::SPEC, &email_change::SPEC]
        .iter()
        .flat_map(|spec| spec.routes)
        .map(|route| route.path)
        .collect();
    tried.sort_unstable();
    declared.sort_unstable();
    assert_eq!(tried, declared);
}

#[tokio::test]
async fn sec_130_no_answer_of_recovery_has_more_than_the_contract_says() {
    let app = mail_app().await;
    for good in good(&app, 0).await {
        for answer in [
            good.send().await,
            good.send().await,
            good.client.post(good.path).await,
        ] {
            let keys: Vec<_> = answer.json().as_object().unwrap().keys().cloned().collect();
            let known = [&["detail"][..], &["code", "detail"]];
            assert!(
                known.iter().any(|known| keys == *known),
                "{}: {keys:?}",
                good.path
            );
            assert!(answer.set_cookies().is_empty(), "{}", good.path);
            for told in [
                "argon2",
                "token_version",
                "@example.com",
                PASSWORD,
                NEW,
                "\"input\"",
            ] {
                assert!(
                    !answer.text.contains(told),
                    "{}: {}",
                    good.path,
                    answer.text
                );
            }
        }
    }
}

#[tokio::test]
async fn sec_137_what_is_said_twice_is_refused_by_recovery() {
    let app = mail_app().await;
    for good in good(&app, 0).await {
        let text = good.body.to_string();
        let inner = &text[1..text.len() - 1];
        let (name, value) = good.body.as_object().unwrap().iter().next().unwrap();
        let escaped = format!("\\u{:04x}{}", u32::from(name.as_bytes()[0]), &name[1..]);
        for body in [
            format!("{{{inner},\"{name}\":{value}}}"),
            format!("{{{inner},\"{name}\":\"other\"}}"),
            format!("{{\"{name}\":\"other\",{inner}}}"),
            format!("{{{inner},\"{escaped}\":{value}}}"),
            format!("{{{inner},\"x\":1,\"x\":2}}"),
            format!("{{{inner},\"x\":{{\"a\":1,\"a\":2}}}}"),
        ] {
            app.clock.advance(std::time::Duration::from_mins(20)); // no limit is under test
            let answer = good.client.post_body(good.path, JSON, body.clone()).await;
            assert_eq!(
                (answer.status.as_u16(), answer.code().as_str()),
                (422, "validation_error"),
                "{} {body}",
                good.path
            );
        }
    }
    for good in good(&app, 1).await {
        for query in good.body.as_object().unwrap().keys() {
            let path = format!("{}?{query}=x", good.path);
            let answer = good
                .client
                .post_body(&path, JSON, good.body.to_string())
                .await;
            assert_eq!(answer.status, 422, "{path}");
        }
        assert_eq!(
            good.send().await.status,
            200,
            "{}: none of it was used up",
            good.path
        );
    }
}

#[tokio::test]
async fn sec_063_recovery_reads_json_only() {
    let app = mail_app().await;
    let kinds: [&[&str]; 11] = [
        &[],
        &[""],
        &["*/*"],
        &["text/plain"],
        &[FORM],
        &["multipart/form-data; boundary=b"],
        &["application/xml"],
        &["text/json"],
        &["application/jsonx"],
        &["application/json; charset=utf-16"],
        &[JSON, "text/plain"],
    ];
    let good = good(&app, 0).await;
    drop(app.mail.take());
    let used = "SELECT count(*) FROM auth_tokens WHERE used_at > 0";
    let before = app.count(used).await;
    for kinds in kinds {
        app.clock.advance(std::time::Duration::from_mins(20)); // no limit is under test
        for good in &good {
            let mut request = good.client.request(Method::POST, good.path);
            for kind in kinds {
                request = request.header("content-type", *kind);
            }
            let body = Body::from(good.body.to_string());
            let answer = good.client.send(request.body(body).unwrap()).await;
            let issue = &answer.json()["detail"][0]["type"];
            assert_eq!(
                (answer.status.as_u16(), issue),
                (422, &json!("model_attributes_type")),
                "{} {kinds:?}",
                good.path
            );
        }
    }
    app.deliver().await;
    assert!(app.mail.take().is_empty());
    assert_eq!(app.count(used).await, before);
}

#[tokio::test]
async fn sec_132_sec_133_recovery_reads_neither_long_nor_deep_bodies() {
    let app = mail_app().await;
    for good in good(&app, 0).await {
        let long = format!("{{\"x\":\"{}\"}}", "x".repeat(65_536));
        let answer = good.client.post_body(good.path, JSON, long).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (413, "payload_too_large"),
            "{}",
            good.path
        );
        let text = good.body.to_string();
        let deep = format!(
            "{},\"x\":{}1{}}}",
            &text[..text.len() - 1],
            "[".repeat(40),
            "]".repeat(40)
        );
        let answer = good.client.post_body(good.path, JSON, deep).await;
        assert_eq!(answer.status, 422, "{}", good.path);
        assert_eq!(good.send().await.status, 200, "{}", good.path);
    }
}

#[tokio::test]
async fn sec_135_a_broken_database_is_told_without_details_by_recovery() {
    for table in ["auth_outbox", "auth_tokens", "auth_limits", "users"] {
        let app = mail_app().await;
        let good = good(&app, 0).await;
        app.db
            .run(format!("ALTER TABLE {table} RENAME TO gone"))
            .await;
        let mut failed = 0;
        for good in good {
            let answer = good.send().await;
            if answer.status.is_server_error() {
                failed += 1;
                assert_eq!(
                    answer.text,
                    r#"{"detail":"Internal Server Error","code":"internal_error"}"#
                );
                assert_eq!(answer.status, 500, "{table} {}", good.path);
                assert_eq!(answer.header("cache-control"), Some("no-store"));
            } else {
                assert!(
                    answer.status == 200 || answer.status == 401,
                    "{table} {}: {}",
                    good.path,
                    answer.text
                );
            }
        }
        assert!(failed >= 3, "{table}: {failed}");
    }
}

#[tokio::test]
async fn sec_058_sec_060_a_change_of_address_needs_the_sessions_token_and_our_own_page() {
    let app = mail_app().await;
    let good = good(&app, 0).await.remove(0);
    assert_eq!(good.path, "/email/change-request");
    let send = async |client: &Client, headers: &[(&str, &str)]| {
        let mut request = client
            .request(Method::POST, good.path)
            .header("content-type", JSON);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        client
            .send(request.body(Body::from(good.body.to_string())).unwrap())
            .await
    };
    let other = app.signed_in("carl0").await.csrf.unwrap();
    let mut client = good.client.clone();
    let token = client.csrf.take().unwrap();
    let missing = send(&client, &[]).await;
    assert_eq!(
        (missing.code().as_str(), missing.header("x-csrf-error")),
        ("csrf_missing", Some("true"))
    );
    for wrong in [
        other.as_str(),
        "",
        &token[1..],
        &client.cookies["session_id"].clone(),
    ] {
        assert_eq!(
            send(&client, &[("x-csrf-token", wrong)]).await.code(),
            "csrf_invalid"
        );
    }
    for foreign in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("host", "app.example"), ("origin", "https://evil.example")],
        &[("host", "app.example"), ("origin", "null")],
        &[
            ("host", "app.example"),
            ("referer", "https://evil.example/"),
        ],
    ] {
        assert_eq!(
            send(&good.client, foreign).await.code(),
            "cross_site",
            "{foreign:?}"
        );
    }
    app.deliver().await;
    assert!(app.message(MessageKind::ChangeEmail, "new0").is_none());
    assert_eq!(
        good.send().await.header("x-ratelimit-remaining"),
        Some("2"),
        "none of these counted"
    );
}

#[tokio::test]
async fn sec_065_sec_125_recovery_is_open_to_no_other_origin_and_no_other_method() {
    let app = mail_app().await;
    for good in good(&app, 0).await {
        for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "FOO"] {
            let request = good
                .client
                .request(Method::from_bytes(method.as_bytes()).unwrap(), good.path)
                .header("content-type", JSON)
                .header("x-http-method-override", "POST")
                .header("x-method-override", "POST")
                .header("origin", "https://evil.example")
                .header("access-control-request-method", "POST");
            let answer = good
                .client
                .send(request.body(Body::from(good.body.to_string())).unwrap())
                .await;
            assert_eq!(answer.status, 405, "{method} {}", good.path);
            assert_eq!(answer.header("allow"), Some("POST"));
            assert!(
                !answer
                    .headers
                    .keys()
                    .any(|name| name.as_str().starts_with("access-control-"))
            );
        }
        for path in [
            format!("{}/", good.path),
            format!("/{}", good.path),
            good.path.to_uppercase(),
        ] {
            assert_eq!(
                good.client.post_json(&path, &good.body).await.status,
                404,
                "{path}"
            );
        }
        assert_eq!(
            good.send().await.status,
            200,
            "{}: none of it was used up",
            good.path
        );
    }
}
