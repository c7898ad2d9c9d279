//! The token in a form field, on our routes and on pages of the application.

use axum::body::Body;
use axum::http::Method;

use crate::pages::{LOGIN, REGISTER, location, signed_in, start, submit};
use crate::support::{FORM, TestApp};

#[tokio::test]
async fn sec_059_a_declared_field_counts_and_the_query_string_does_not() {
    let (_file, client, token) = signed_in().await;
    let query = format!("/note?csrf_token={token}");
    assert_eq!(
        submit(&client, &query, &[("text", "x")]).await.code(),
        "csrf_missing"
    );
    assert_eq!(
        submit(&client, "/note", &[("text", "x"), ("csrf_token", "")])
            .await
            .code(),
        "csrf_missing"
    );
    assert_eq!(
        submit(&client, "/note", &[("text", "x"), ("CSRF_TOKEN", &token)])
            .await
            .code(),
        "csrf_missing"
    );
    for wrong in [&token[1..], &client.cookies["session_id"], "0"] {
        assert_eq!(
            submit(&client, "/note", &[("text", "x"), ("csrf_token", wrong)])
                .await
                .code(),
            "csrf_invalid"
        );
    }
    let twice = submit(
        &client,
        "/note",
        &[
            ("text", "x"),
            ("csrf_token", &token),
            ("csrf_token", &token),
        ],
    )
    .await;
    assert_eq!(
        (twice.status.as_u16(), twice.code().as_str()),
        (422, "validation_error")
    );
    let json = serde_json::json!({"csrf_token": token}).to_string();
    assert_eq!(
        client
            .post_body("/note", "application/json", json)
            .await
            .code(),
        "csrf_missing"
    );
    let mut wrong_header = client.clone();
    wrong_header.csrf = Some("0".to_owned());
    assert_eq!(
        submit(
            &wrong_header,
            "/note",
            &[("text", "x"), ("csrf_token", &token)]
        )
        .await
        .code(),
        "csrf_invalid"
    );
}

#[tokio::test]
async fn sec_060_a_foreign_form_is_refused_whatever_it_carries() {
    let (_file, client, token) = signed_in().await;
    for path in ["/logout", "/note", "/change-password"] {
        let request = client
            .request(Method::POST, path)
            .header("content-type", FORM)
            .header("sec-fetch-site", "cross-site");
        let answer = client
            .send(
                request
                    .body(Body::from(format!("csrf_token={token}&text=x")))
                    .unwrap(),
            )
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (403, "cross_site"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_page_of_the_application_reads_its_form_after_the_guard() {
    let (_file, client, token) = signed_in().await;
    let answer = submit(
        &client,
        "/note",
        &[("text", "hello & bye"), ("csrf_token", &token)],
    )
    .await;
    assert_eq!(answer.text, "ada wrote hello & bye");
    let back = submit(
        &client,
        "/note",
        &[
            ("text", "x"),
            ("csrf_token", &token),
            ("redirect_to", "/notes"),
        ],
    )
    .await;
    assert_eq!(location(&back), (303, "/notes"));
    let bare = submit(
        &client,
        "/bare-note",
        &[("text", "x"), ("csrf_token", &token)],
    )
    .await;
    assert_eq!(
        bare.code(),
        "csrf_missing",
        "without the middleware nobody reads the form ahead"
    );
    let mut stranger = client.clone();
    stranger.cookies.clear();
    assert_eq!(
        submit(&stranger, "/note", &[("text", "x")]).await.status,
        401
    );
}

#[tokio::test]
async fn a_redirect_of_the_applications_own_is_no_refusal() {
    let (_file, client, token) = signed_in().await;
    let answer = submit(
        &client,
        "/moved",
        &[
            ("csrf_token", &token),
            ("redirect_to", "/a"),
            ("error_to", "/sorry"),
        ],
    )
    .await;
    assert_eq!(location(&answer), (303, "/notes/1"));
}

#[tokio::test]
async fn a_page_that_is_called_like_one_of_our_routes_keeps_its_form() {
    let (_file, client) = start().await;
    let answer = submit(&client, "/club/register", &[("text", "hello")]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.text.as_str()),
        (200, "hello")
    );
}

#[tokio::test]
async fn sec_132_a_form_that_is_read_ahead_is_limited_too() {
    let (_file, client, _) = signed_in().await;
    let long = format!("text={}", "x".repeat(65 * 1024));
    let answer = client.post_body("/note", FORM, long).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (413, "payload_too_large")
    );
}

#[tokio::test]
async fn without_the_key_there_is_nothing_of_this() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let mut client = app.signed_in("ada").await;
    let token = client.csrf.take().unwrap();
    assert_eq!(
        submit(
            &client,
            "/logout",
            &[("csrf_token", &token), ("redirect_to", "/bye")]
        )
        .await
        .code(),
        "csrf_missing"
    );
    let register = submit(
        &client,
        "/register",
        &[REGISTER, &[("redirect_to", "/welcome")]].concat(),
    )
    .await;
    assert_eq!(
        (register.status.as_u16(), register.header("location")),
        (422, None)
    );
    let login = submit(
        &client,
        "/login",
        &[LOGIN, &[("redirect_to", "/home")]].concat(),
    )
    .await;
    assert_eq!(
        (login.status.as_u16(), login.header("location")),
        (200, None)
    );
}
