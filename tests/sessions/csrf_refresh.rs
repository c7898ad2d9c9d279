//! `POST /csrf/refresh`: for pages that have lost their token.

use axum::body::Body;
use axum::http::Method;

use crate::support::{PASSWORD, TestApp};

#[tokio::test]
async fn a_good_token_is_given_back_and_nothing_is_set() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let mut client = app.signed_in("ada").await;
    let token = client.csrf.take().unwrap();

    let answer = client.post("/csrf/refresh").await;

    assert_eq!(
        (answer.status.as_u16(), answer.text),
        (200, format!(r#"{{"csrf_token":"{token}"}}"#))
    );
    assert!(answer.headers.get("set-cookie").is_none());
    assert_eq!(answer.headers["x-ratelimit-limit"], "30");
    assert_eq!(answer.headers["x-ratelimit-remaining"], "29");
}

#[tokio::test]
async fn a_lost_or_stale_token_is_replaced_at_once() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let other = app.signed_in("ada").await.csrf.unwrap();
    for (remember, attributes) in [
        ("", "Path=/; SameSite=lax; Secure"),
        (
            "&remember_me=1",
            "Max-Age=2592000; Path=/; SameSite=lax; Secure",
        ),
    ] {
        for presented in [
            None,
            Some(other.clone()),
            Some(String::new()),
            Some("0".repeat(64)),
        ] {
            let mut client = app.client();
            client.login_with("ada", PASSWORD, remember).await;
            let old = client.clone();
            client.cookies.remove("csrf_token");
            client
                .cookies
                .extend(presented.map(|value| ("csrf_token".to_owned(), value)));
            client.csrf = None;

            let answer = client.post("/csrf/refresh").await;

            let token = answer.json()["csrf_token"].as_str().unwrap().to_owned();
            assert_eq!(
                answer.set_cookies(),
                [format!("csrf_token={token}; {attributes}")]
            );
            assert_eq!(answer.text, format!(r#"{{"csrf_token":"{token}"}}"#));
            client.keep(&answer);
            assert_eq!(
                old.post("/dashboard").await.status,
                403,
                "the old token is dead"
            );
            assert_eq!(client.post("/dashboard").await.status, 200);
        }
    }
}

#[tokio::test]
async fn two_values_of_the_token_cookie_are_no_token() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let client = app.signed_in("ada").await;
    let planted = format!(
        "{}; csrf_token={}",
        client.cookie_header().unwrap(),
        "0".repeat(64)
    );
    let request = app
        .client()
        .request(Method::POST, "/csrf/refresh")
        .header("cookie", planted);
    let answer = client.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 200);
    assert_ne!(answer.json()["csrf_token"].as_str(), client.csrf.as_deref());
}

#[tokio::test]
async fn without_a_live_session_there_is_no_token() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let ended = app.signed_in("ada").await;
    ended.post("/logout").await;
    for client in [app.client(), ended] {
        let answer = client.post("/csrf/refresh").await;
        assert_eq!(answer.status, 401);
        assert_eq!(
            answer.text,
            r#"{"detail":"Not authenticated","code":"not_authenticated"}"#
        );
        assert!(answer.set_cookies().is_empty());
    }
}

#[tokio::test]
async fn no_token_is_needed_but_a_foreign_page_gets_none() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let mut client = app.signed_in("ada").await;
    client.csrf = Some("wrong".to_owned());
    assert_eq!(
        client.post("/csrf/refresh").await.status,
        200,
        "a wrong header is passed over"
    );
    client.cookies.remove("csrf_token");
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let request = client
            .request(Method::POST, "/csrf/refresh")
            .header(name, value)
            .header("host", "app.example");
        let answer = client.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (403, "cross_site")
        );
        assert!(answer.set_cookies().is_empty());
    }
}

#[tokio::test]
async fn refreshing_is_limited_per_address() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let client = app.signed_in("ada").await;
    for _ in 0..30 {
        assert_eq!(client.post("/csrf/refresh").await.status, 200);
    }
    let answer = client.post("/csrf/refresh").await;
    assert_eq!(answer.status, 429);
    assert_eq!(
        answer.text,
        r#"{"detail":"Too many requests. Try again later.","code":"rate_limited"}"#
    );
    assert_eq!(
        (
            answer.header("x-ratelimit-limit"),
            answer.header("x-ratelimit-remaining")
        ),
        (Some("30"), Some("0"))
    );
    assert!(answer.header("retry-after").is_some());
    assert_eq!(
        client
            .from("198.51.100.2")
            .post("/csrf/refresh")
            .await
            .status,
        200
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tabs_that_refresh_at_once_all_get_a_token_and_one_is_good() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let mut client = app.signed_in("ada").await;
    client.cookies.remove("csrf_token");
    let tabs: Vec<_> = (0..20)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.post("/csrf/refresh").await })
        })
        .collect();
    let mut answers = Vec::new();
    for tab in tabs {
        answers.push(tab.await.unwrap());
    }
    let mut good = 0;
    for answer in answers {
        assert_eq!(answer.status, 200, "the session is alive: {}", answer.text);
        client.csrf = answer.json()["csrf_token"].as_str().map(str::to_owned);
        good += usize::from(client.post("/dashboard").await.status == 200);
    }
    assert_eq!(good, 1, "exactly the last token is the session's");
    let answer = client.post("/csrf/refresh").await;
    client.keep(&answer);
    assert_eq!(client.post("/dashboard").await.status, 200);
}
