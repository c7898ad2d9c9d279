//! Where a request may come from, and in what form.

use axum::body::Body;
use axum::http::Method;
use serde_json::json;

use crate::routes::{INVALID, guarded, send, state};
use crate::support::{Answer, Client, FORM, JSON, PASSWORD, TestApp, encode};

const FOREIGN: &str = r#"{"detail":"Cross-site requests are not allowed.","code":"cross_site"}"#;
const FOREIGN_LOGIN: &str =
    r#"{"detail":"Cross-site login requests are not allowed.","code":"cross_site_login"}"#;

/// What a browser says of the page that sent a request, and whether that page is ours.
const ORIGINS: &[(&[(&str, &str)], bool)] = &[
    (&[], true),
    (&[("sec-fetch-site", "same-origin")], true),
    (&[("sec-fetch-site", "none")], true),
    (&[("sec-fetch-site", "same-site")], true),
    (&[("sec-fetch-site", "cross-site")], false),
    (&[("sec-fetch-site", "Cross-Site")], false),
    (
        &[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://app.example"),
        ],
        false,
    ),
    (
        &[
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-site", "cross-site"),
        ],
        false,
    ),
    (&[("origin", "https://app.example")], true),
    (&[("origin", "https://evil.example")], false),
    (&[("origin", "https://app.example.evil.example")], false),
    (&[("origin", "https://app.example:8443")], false),
    (&[("origin", "null")], false),
    (
        &[("origin", "null"), ("referer", "https://app.example/form")],
        false,
    ),
    (
        &[
            ("origin", "https://app.example"),
            ("origin", "https://evil.example"),
        ],
        false,
    ),
    (&[("referer", "https://app.example/form?x=y")], true),
    (
        &[("referer", "https://evil.example/?https://app.example/")],
        false,
    ),
    (&[("referer", "https://app.example@evil.example/")], false),
    (
        &[
            ("sec-fetch-site", "martian"),
            ("origin", "https://evil.example"),
        ],
        false,
    ),
];

#[tokio::test]
async fn sec_060_only_our_own_pages_may_send_unsafe_requests() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let client = app.signed_in("ada").await;
    let before = state(&app).await;
    let mut routes = guarded(&client).await;
    routes.push((Method::POST, "/csrf/refresh".to_owned()));
    for (headers, ours) in ORIGINS {
        let mut headers = headers.to_vec();
        headers.push(("host", "app.example"));
        for (method, path) in &routes {
            // The token of nobody: what passes the origin check is refused after it, so that nothing changes.
            let mut sender = client.clone();
            sender.csrf = (path != "/csrf/refresh").then(|| "0".repeat(64));
            let answer = send(&sender, method, path, &headers).await;
            let expected = match (ours, path.as_str()) {
                (false, _) => (403, FOREIGN),
                (true, "/csrf/refresh") => (200, answer.text.as_str()),
                (true, _) => (403, INVALID),
            };
            assert_eq!(
                (answer.status.as_u16(), answer.text.as_str()),
                expected,
                "{path} {headers:?}"
            );
            assert!(*ours || answer.header("x-csrf-error").is_none());
        }
        for path in ["/me", "/sessions", "/dashboard"] {
            for method in [Method::GET, Method::HEAD] {
                assert_eq!(
                    send(&client, &method, path, &headers).await.status,
                    200,
                    "{method} {path} {headers:?}"
                );
            }
        }
        let valid = send(&client, &Method::POST, "/dashboard", &headers).await;
        assert_eq!(
            valid.status,
            if *ours { 200 } else { 403 },
            "the token does not help a foreign page: {headers:?}"
        );
    }
    assert_eq!(state(&app).await, before);
}

#[tokio::test]
async fn sec_061_a_foreign_page_signs_nobody_in_or_up() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let login = format!("username=ada&password={}", encode(PASSWORD));
    for (at, (headers, ours)) in ORIGINS.iter().enumerate() {
        let name = format!("eve{at}");
        let register =
            json!({"email": format!("{name}@example.com"), "username": name, "password": PASSWORD})
                .to_string();
        for (path, kind, body, refusal) in [
            ("/login", FORM, &login, FOREIGN_LOGIN),
            ("/register", JSON, &register, FOREIGN),
        ] {
            let client = app.client().from(&format!("10.1.0.{}", at + 1));
            let mut request = client
                .request(Method::POST, path)
                .header("content-type", kind)
                .header("host", "app.example");
            for (name, value) in *headers {
                request = request.header(*name, *value);
            }
            let answer = client
                .send(request.body(Body::from(body.clone())).unwrap())
                .await;
            if *ours {
                assert_eq!(answer.status, 200, "{path} {headers:?} {}", answer.text);
            } else {
                assert_eq!(
                    (answer.status.as_u16(), answer.text.as_str()),
                    (403, refusal),
                    "{path} {headers:?}"
                );
                assert!(answer.set_cookies().is_empty());
            }
        }
    }
    let ours = ORIGINS.iter().filter(|(_, ours)| *ours).count();
    assert_eq!(
        app.count("SELECT count(*) FROM users").await,
        1 + i64::try_from(ours).unwrap()
    );
}

#[tokio::test]
async fn sec_063_a_body_of_another_media_type_is_not_parsed() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let wrong = json!([{"type": "model_attributes_type", "loc": ["body"],
        "msg": "Input should be a valid dictionary or object to extract fields from"}]);
    let register =
        json!({"email": "eve@example.com", "username": "eve", "password": PASSWORD}).to_string();
    let change =
        json!({"current_password": PASSWORD, "new_password": "another long password"}).to_string();
    let set = json!({"new_password": "another long password"}).to_string();
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
    for (at, kinds) in kinds.iter().enumerate() {
        let name = format!("user{at}"); // one each: some of these routes are limited per user
        app.register(&name).await;
        let client = app.signed_in(&name).await;
        for (path, body) in [
            ("/register", &register),
            ("/change-password", &change),
            ("/set-password", &set),
        ] {
            let answer = send_body(&client, path, kinds, body).await;
            assert_eq!(
                (answer.status.as_u16(), &answer.json()["detail"]),
                (422, &wrong),
                "{path} {kinds:?}"
            );
        }
    }
    assert_eq!(
        app.count("SELECT count(*) FROM users WHERE username = 'eve'")
            .await,
        0
    );
    let login = format!("username=ada&password={}", encode(PASSWORD));
    for kinds in [
        &["text/plain"][..],
        &[JSON],
        &["application/x-www-form-urlencoded; charset=latin1"],
        &[],
        &[FORM, FORM],
        &["multipart/form-data"],
    ] {
        let answer = send_body(&app.client(), "/login", kinds, &login).await;
        assert_eq!(answer.status, 422, "{kinds:?}");
        assert_eq!(answer.json()["detail"][0]["type"], "missing", "{kinds:?}");
        assert_eq!(answer.json()["detail"][1]["type"], "missing", "{kinds:?}");
    }
}

async fn send_body(client: &Client, path: &str, kinds: &[&str], body: &str) -> Answer {
    let mut request = client.request(Method::POST, path);
    for kind in kinds {
        request = request.header("content-type", *kind);
    }
    client
        .send(request.body(Body::from(body.to_owned())).unwrap())
        .await
}

#[tokio::test]
async fn sec_065_no_answer_opens_the_routes_to_another_origin() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let client = app.signed_in("ada").await;
    let mut routes = guarded(&client).await;
    routes.extend(
        [
            "/login",
            "/register",
            "/me",
            "/sessions",
            "/csrf/refresh",
            "/nowhere",
        ]
        .map(|path| (Method::GET, path.to_owned())),
    );
    let foreign = [
        ("origin", "https://evil.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "x-csrf-token"),
    ];
    for (method, path) in &routes {
        for method in [&Method::OPTIONS, method] {
            let answer = send(&client, method, path, &foreign).await;
            let opened = answer
                .headers
                .keys()
                .find(|name| name.as_str().starts_with("access-control-"));
            assert_eq!(opened, None, "{method} {path}");
        }
    }
}
