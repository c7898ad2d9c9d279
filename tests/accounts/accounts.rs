//! Signing up and asking who one is: contract §1.1 and §1.4, over the real router and file.

use std::time::Duration;

use crudauth::__private::Timestamp;
use crudauth::testing::hashes_done;
use serde_json::{Value, json};

use crate::support::{Answer, JSON, PASSWORD, TestApp};

const EMAIL_TAKEN: &str = r#"{"detail":"Email already registered","code":"email_taken"}"#;
const USERNAME_TAKEN: &str = r#"{"detail":"Username already taken","code":"username_taken"}"#;
const NOT_AUTHENTICATED: &str = r#"{"detail":"Not authenticated","code":"not_authenticated"}"#;

fn body(email: &str, username: &str) -> Value {
    json!({ "email": email, "username": username, "password": PASSWORD })
}

/// Each sign-up from an address of its own: the limit is a test of its own.
async fn sign_up(app: &TestApp, n: usize, body: &Value) -> Answer {
    app.client()
        .from(&format!("198.51.{}.{}", n / 250, n % 250 + 1))
        .post_json("/register", body)
        .await
}

fn issue_of(answer: &Answer) -> (String, String) {
    let issue = &answer.json()["detail"][0];
    (
        issue["type"].as_str().unwrap_or_default().to_owned(),
        issue["loc"].to_string(),
    )
}

#[tokio::test]
async fn register_creates_an_account_and_signs_nobody_in() {
    let app = TestApp::start().await;

    let answer = sign_up(&app, 0, &body("  U0@X.com ", "u0")).await;

    assert_eq!(
        (answer.status.as_u16(), answer.text.as_str()),
        (200, r#"{"id":1,"email":"u0@x.com","username":"u0"}"#)
    );
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.set_cookies(), Vec::<&str>::new());
    assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 0);
    let (email, username, plan): (String, String, String) = app
        .db
        .query("SELECT email, username, plan FROM users")
        .row()
        .await;
    assert_eq!(
        (email.as_str(), username.as_str(), plan.as_str()),
        ("u0@x.com", "u0", "free")
    );
}

#[tokio::test]
async fn a_taken_address_or_name_is_refused_in_every_spelling() {
    let app = TestApp::start().await;
    sign_up(&app, 0, &body("ada@x.com", "Straße")).await;

    for (n, email) in [
        "ada@x.com",
        "ADA@x.com",
        " ada@X.COM ",
        "\u{ff41}da@x.com",
        "ada@x\u{3002}com",
    ]
    .into_iter()
    .enumerate()
    {
        let answer = sign_up(&app, n, &body(email, "other")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text.as_str()),
            (422, EMAIL_TAKEN),
            "{email}"
        );
    }
    for (n, name) in [
        "Straße",
        "STRASSE",
        "strasse",
        "\u{ff33}trasse",
        "Stra\u{1e9e}e",
    ]
    .into_iter()
    .enumerate()
    {
        let answer = sign_up(&app, n, &body("other@x.com", name)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text.as_str()),
            (422, USERNAME_TAKEN),
            "{name}"
        );
    }
    assert_eq!(app.count("SELECT count(*) FROM users").await, 1);
}

#[tokio::test]
async fn a_user_name_is_kept_as_typed_and_matched_exactly_at_sign_in() {
    let app = TestApp::start().await;
    app.register("Alice").await;

    assert_eq!(app.client().login("Alice", PASSWORD).await.status, 200);
    assert_eq!(app.client().login("alice", PASSWORD).await.status, 401);
    assert_eq!(
        app.client()
            .login("ALICE@Example.com", PASSWORD)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn user_names_that_could_pass_for_others_are_refused() {
    let app = TestApp::start().await;
    let long = "n".repeat(65);

    for name in [
        "",
        " ",
        "\t",
        " ada",
        "ada ",
        "\u{3000}ada",
        "a\u{200b}da",
        "a\u{202e}da",
        "a\u{7}da",
        "a\0da",
        "a\u{ad}da",
        "a\u{feff}da",
        "bob@example.com",
        "\u{ff42}ob\u{ff20}example.com",
        &long,
    ] {
        let answer = sign_up(&app, 0, &body("ada@x.com", name)).await;
        let kind = if name == long {
            "string_too_long"
        } else {
            "value_error"
        };
        assert_eq!(answer.status, 422, "{name:?}: {}", answer.text);
        assert_eq!(
            issue_of(&answer),
            (kind.to_owned(), r#"["body","username"]"#.to_owned()),
            "{name:?}"
        );
        assert_eq!(answer.code(), "validation_error");
        assert!(answer.json()["detail"][0].get("input").is_none());
    }
    assert_eq!(app.count("SELECT count(*) FROM users").await, 0);
    let longest = sign_up(&app, 1, &body("ada@x.com", &"n".repeat(64))).await;
    assert_eq!(longest.status, 200, "{}", longest.text);
}

#[tokio::test]
async fn an_address_must_be_bare_and_have_a_real_domain() {
    let app = TestApp::start().await;
    let long = format!("a@{}com", "label.".repeat(60));

    for email in [
        "",
        "nope",
        "@b.com",
        "a@",
        "Ada <a@b.com>",
        "<a@b.com>",
        "a@b",
        "a@b..com",
        "a@-b.com",
        "a@b-.com",
        "a@.com",
        "a@b.com.",
        "a b@c.com",
        "a@b.com,c@d.com",
        "a\u{200b}@b.com",
        "a@[127.0.0.1]",
        "a@127.0.0.1",
        &long,
    ] {
        let answer = sign_up(&app, 0, &body(email, "ada")).await;
        assert_eq!(answer.status, 422, "{email:?}: {}", answer.text);
        assert_eq!(issue_of(&answer).1, r#"["body","email"]"#, "{email:?}");
        assert_eq!(answer.code(), "validation_error", "{email:?}");
    }
    assert_eq!(app.count("SELECT count(*) FROM users").await, 0);
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let app = TestApp::start().await;

    let empty = sign_up(&app, 0, &json!({})).await;
    let null = sign_up(
        &app,
        0,
        &json!({ "email": null, "username": 5, "password": ["x"], "full_name": {} }),
    )
    .await;
    let short = sign_up(
        &app,
        0,
        &json!({ "email": "nope", "username": "", "password": "short" }),
    )
    .await;

    let missing = |field: &str| {
        format!(r#"{{"type":"missing","loc":["body","{field}"],"msg":"Field required"}}"#)
    };
    let all = [missing("email"), missing("username"), missing("password")].join(",");
    assert_eq!(
        (empty.status.as_u16(), empty.text),
        (
            422,
            format!(r#"{{"detail":[{all}],"code":"validation_error"}}"#)
        )
    );
    let fields: Vec<_> = null.json()["detail"]
        .as_array()
        .unwrap()
        .iter()
        .map(|issue| issue["loc"][1].clone())
        .collect();
    assert_eq!(fields, ["email", "username", "password", "full_name"]);
    // The password's own rules come once the shape is right: they look at the names.
    let fields: Vec<_> = short.json()["detail"]
        .as_array()
        .unwrap()
        .iter()
        .map(|issue| issue["loc"][1].clone())
        .collect();
    assert_eq!(fields, ["email", "username"]);
    assert_eq!(hashes_done(&app.auth), 0);
}

#[tokio::test]
async fn only_the_columns_that_are_opened_are_taken_and_unknown_fields_are_ignored() {
    let app = TestApp::start().await;
    let mut sent = body("ada@x.com", "ada");
    for (key, value) in [
        ("full_name", json!("Ada L")),
        ("plan", json!("gold")),
        ("nickname", json!("x")),
        ("id", json!(77)),
    ] {
        sent[key] = value;
    }

    let answer = sign_up(&app, 0, &sent).await;

    assert_eq!(
        answer.text,
        r#"{"id":1,"email":"ada@x.com","username":"ada"}"#
    );
    let row: (i64, String, String) = app
        .db
        .query("SELECT id, full_name, plan FROM users")
        .row()
        .await;
    assert_eq!(row, (1, "Ada L".to_owned(), "free".to_owned()));
}

#[tokio::test]
async fn a_body_of_another_type_or_no_body_is_a_422_with_nothing_written() {
    let app = TestApp::start().await;
    let client = app.client();
    let text = body("ada@x.com", "ada").to_string();
    let shape = r#"{"detail":[{"type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from"}],"code":"validation_error"}"#;

    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
    ] {
        let answer = client.post_body("/register", kind, text.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text.as_str()),
            (422, shape),
            "{kind}"
        );
    }
    let nothing = client.post("/register").await;
    let large = client
        .post_body("/register", JSON, "x".repeat(65 * 1024))
        .await;

    assert_eq!(
        (
            nothing.status.as_u16(),
            nothing.json()["detail"].as_array().unwrap().len()
        ),
        (422, 3)
    );
    assert_eq!(
        (large.status.as_u16(), large.text.as_str()),
        (
            413,
            r#"{"detail":"Payload Too Large","code":"payload_too_large"}"#
        )
    );
    assert_eq!(app.count("SELECT count(*) FROM users").await, 0);
}

#[tokio::test]
async fn sign_ups_are_counted_per_address_and_every_counted_answer_says_what_is_left() {
    let app = TestApp::start().await;
    app.clock
        .set(Timestamp::from_micros(1_800_000_000_000_000 - 900_000_000)); // a quarter before a full hour
    let client = app.client();
    client
        .post_json("/register", &json!({ "email": "nope" }))
        .await; // not counted: it is not a sign-up yet

    let mut left = Vec::new();
    for n in 0..5 {
        // The third and later ones are refused, and are counted and told all the same.
        let answer = client
            .post_json(
                "/register",
                &body(&format!("u{}@x.com", n.min(1)), &format!("u{n}")),
            )
            .await;
        assert_eq!(
            answer.status,
            if n < 2 { 200 } else { 422 },
            "{}",
            answer.text
        );
        assert_eq!(answer.header("x-ratelimit-limit"), Some("5"));
        left.push(answer.header("x-ratelimit-remaining").unwrap().to_owned());
    }
    let over = client.post_json("/register", &body("u9@x.com", "u9")).await;
    let elsewhere = client
        .clone()
        .from("198.51.100.9")
        .post_json("/register", &body("u8@x.com", "u8"))
        .await;
    app.clock.advance(Duration::from_mins(15));
    let later = client.post_json("/register", &body("u7@x.com", "u7")).await;

    assert_eq!(left, ["4", "3", "2", "1", "0"]);
    assert_eq!(
        (over.status.as_u16(), over.text.as_str()),
        (
            429,
            r#"{"detail":"Too many requests. Try again later.","code":"rate_limited"}"#
        )
    );
    assert_eq!(over.header("retry-after"), Some("900"));
    assert_eq!(
        (
            over.header("x-ratelimit-limit"),
            over.header("x-ratelimit-remaining")
        ),
        (Some("5"), Some("0"))
    );
    assert_eq!(
        (elsewhere.status.as_u16(), later.status.as_u16()),
        (200, 200)
    );
}

#[tokio::test]
async fn a_page_elsewhere_signs_nobody_up() {
    let app = TestApp::start().await;
    let client = app.client();

    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
        ("referer", "https://evil.example/x"),
    ] {
        let request = client
            .request(axum::http::Method::POST, "/register")
            .header("host", "app.example")
            .header(name, value);
        let request = request
            .header("content-type", JSON)
            .body(body("ada@x.com", "ada").to_string().into())
            .unwrap();
        let answer = client.send(request).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text.as_str()),
            (
                403,
                r#"{"detail":"Cross-site requests are not allowed.","code":"cross_site"}"#
            ),
            "{name}"
        );
    }
    assert_eq!(app.count("SELECT count(*) FROM users").await, 0);
}

#[tokio::test]
async fn me_says_who_is_signed_in_and_how() {
    let app = TestApp::start().await;
    let id = app.register("alice").await;
    let alice = app.signed_in("alice").await;

    let me = alice.get("/me").await;
    let nobody = app.client().get("/me").await;
    app.auth.users().grant_superuser(&id).await.unwrap();
    let now_superuser = alice.get("/me").await;

    assert_eq!(
        (me.status.as_u16(), me.text.as_str()),
        (
            200,
            r#"{"user_id":1,"username":"alice","email":"alice@example.com","is_superuser":false,"scopes":[],"via":"session"}"#
        )
    );
    assert_eq!(
        (nobody.status.as_u16(), nobody.text.as_str()),
        (401, NOT_AUTHENTICATED)
    );
    assert_eq!(nobody.header("www-authenticate"), None); // no bearer is mounted
    assert_eq!(now_superuser.json()["is_superuser"], true);
}
