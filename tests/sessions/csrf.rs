//! Requests that another site makes a browser send.

use axum::body::Body;
use axum::http::Method;

use crate::routes::{INVALID, MISSING, guarded, send, state};
use crate::support::{FORM, PASSWORD, TestApp, encode};

#[tokio::test]
async fn sec_058_every_unsafe_route_needs_this_sessions_token() {
    let app = TestApp::start().await;
    app.register("ada").await;
    app.register("bob").await;
    let client = app.signed_in("ada").await;
    let token = client.csrf.clone().unwrap();
    let earlier = {
        let mut browser = app.signed_in("ada").await;
        let token = browser.csrf.clone().unwrap();
        browser.login("ada", PASSWORD).await;
        token
    };
    let others = [
        app.signed_in("bob").await.csrf.unwrap(),
        app.signed_in("ada").await.csrf.unwrap(),
        earlier,
    ];
    let mut wrong: Vec<String> = others.to_vec();
    wrong.extend([
        String::new(),
        token[..63].to_owned(),
        token[1..].to_owned(),
        format!("{token}0"),
        token.to_uppercase(),
        format!("\"{token}\""),
        client.cookies["session_id"].clone(),
        "null".to_owned(),
        "é".to_owned(),
    ]);
    assert_ne!(token, token.to_uppercase());
    let before = state(&app).await;
    for (method, path) in guarded(&client).await {
        let mut without = client.clone();
        without.csrf = None;
        let answer = send(&without, &method, &path, &[]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text.as_str()),
            (403, MISSING),
            "{path}"
        );
        assert_eq!(answer.header("x-csrf-error"), Some("true"));
        for token in &wrong {
            let answer = send(&without, &method, &path, &[("x-csrf-token", token)]).await;
            assert_eq!(
                (answer.status.as_u16(), answer.text.as_str()),
                (403, INVALID),
                "{path} {token:?}"
            );
            assert_eq!(answer.header("x-csrf-error"), Some("true"));
        }
        let twice = send(&client, &method, &path, &[("x-csrf-token", &token)]).await;
        assert_eq!(twice.text, INVALID, "{path}: two headers");
    }
    assert_eq!(state(&app).await, before);
    assert_eq!(client.post("/dashboard").await.status, 200);
}

#[tokio::test]
async fn sec_059_the_token_counts_in_the_header_only() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let mut client = app.signed_in("ada").await;
    let token = client.csrf.take().unwrap();
    assert_eq!(
        client.cookies["csrf_token"], token,
        "the cookie is there, and does not count"
    );
    for (method, path) in guarded(&client).await {
        let query = format!("{path}?csrf_token={token}&x-csrf-token={token}&X-CSRF-Token={token}");
        assert_eq!(
            send(&client, &method, &query, &[]).await.text,
            MISSING,
            "{path}"
        );
        let body = format!("csrf_token={token}&X-CSRF-Token={token}");
        let request = client.request(method, &path).header("content-type", FORM);
        assert_eq!(
            client
                .send(request.body(Body::from(body)).unwrap())
                .await
                .text,
            MISSING,
            "{path}"
        );
    }
    assert_eq!(client.get("/me").await.status, 200);
}

#[tokio::test]
async fn sec_062_safe_methods_change_nothing() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let client = app.signed_in("ada").await;
    let before = state(&app).await;
    let mut paths: Vec<String> = guarded(&client)
        .await
        .into_iter()
        .map(|(_, path)| path)
        .collect();
    paths.extend(["/login", "/register", "/me", "/sessions", "/csrf/refresh"].map(str::to_owned));
    let body = format!(
        "username=ada&password={}&current_password={}&new_password=another+long+one",
        encode(PASSWORD),
        encode(PASSWORD)
    );
    for path in &paths {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE] {
            for _ in 0..2 {
                let request = client
                    .request(method.clone(), path)
                    .header("content-type", FORM);
                let answer = client
                    .send(request.body(Body::from(body.clone())).unwrap())
                    .await;
                assert!(answer.set_cookies().is_empty(), "{method} {path}");
                assert!(
                    answer.status == 200 || answer.status == 405,
                    "{method} {path}: {}",
                    answer.status
                );
            }
        }
    }
    assert_eq!(state(&app).await, before);
    assert_eq!(client.get("/me").await.status, 200);
}

#[tokio::test]
async fn sec_064_a_method_is_what_the_request_line_says() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let client = app.signed_in("ada").await;
    let handle = client.get("/sessions").await.json()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for header in [
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
    ] {
        let path = format!("/sessions/{handle}?_method=DELETE");
        assert_eq!(
            send(&client, &Method::POST, &path, &[(header, "DELETE")])
                .await
                .status,
            405
        );
        assert_eq!(
            send(
                &client,
                &Method::GET,
                "/logout?_method=POST",
                &[(header, "POST")]
            )
            .await
            .status,
            405
        );
        assert_eq!(
            send(&client, &Method::GET, "/me", &[(header, "DELETE")])
                .await
                .status,
            200
        );
        // Nor is a safe one smuggled past the token.
        let mut without = client.clone();
        without.csrf = None;
        assert_eq!(
            send(&without, &Method::POST, "/logout", &[(header, "GET")])
                .await
                .text,
            MISSING
        );
        let form = client.post_body(&path, FORM, "_method=DELETE").await;
        assert_eq!(form.status, 405);
    }
    assert_eq!(client.get("/me").await.status, 200);
}

#[tokio::test]
async fn sec_066_a_token_changes_with_the_session_and_dies_with_it() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let mut client = app.signed_in("ada").await;
    let first = client.csrf.clone();
    client.login("ada", PASSWORD).await;
    assert_ne!(client.csrf, first);
    let mut stale = client.clone();
    stale.csrf = first;
    assert_eq!(
        stale.post("/dashboard").await.text,
        INVALID,
        "a token from before the sign-in"
    );

    let old = client.csrf.clone();
    client.cookies.remove("csrf_token");
    let refreshed = client.post("/csrf/refresh").await;
    client.keep(&refreshed);
    assert_ne!(client.csrf, old);
    stale.csrf = old;
    assert_eq!(
        stale.post("/dashboard").await.text,
        INVALID,
        "a token from before the refresh"
    );
    assert_eq!(client.post("/dashboard").await.status, 200);

    let mut next = app.signed_in("ada").await;
    client.post("/logout").await;
    next.csrf.clone_from(&client.csrf);
    assert_eq!(
        next.post("/dashboard").await.text,
        INVALID,
        "a token of an ended session"
    );
}
