//! What a guard does to a request: what it reads, when, and for whom.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use crudauth::routing::{Router, get};
use crudauth::{Principal, public, require, resolve_principal};

use crate::support::{Auth, Client, JSON, TestApp, pool};

/// A body that tells whether anybody asked for it.
fn watched_body() -> (Body, Arc<AtomicBool>) {
    let asked = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&asked);
    let stream = futures_util::stream::poll_fn(move |_| {
        flag.store(true, Ordering::SeqCst);
        std::task::Poll::Ready(None::<Result<Vec<u8>, std::io::Error>>)
    });
    (Body::from_stream(stream), asked)
}

#[tokio::test]
async fn sec_125_no_body_is_read_before_the_guard_has_answered() {
    let app = TestApp::start().await;
    let id = app.register("ada").await;
    let client = app.signed_in("ada").await;
    let mut forged = client.clone();
    forged.csrf = None;
    let stranger = app.client();
    for (who, sender, path, status) in [
        ("a stranger", &stranger, "/upload", 401),
        ("a forger", &forged, "/upload", 403),
        ("somebody unverified", &client, "/upload", 403),
        ("a stranger", &stranger, "/change-password", 401),
        ("a forger", &forged, "/change-password", 403),
        ("a stranger", &stranger, "/set-password", 401),
        ("a forger", &forged, "/logout", 403),
        ("a stranger", &stranger, "/logout-all", 401),
        ("a stranger", &stranger, "/csrf/refresh", 401),
    ] {
        let (body, asked) = watched_body();
        let request = sender
            .request(Method::POST, path)
            .header("content-type", JSON);
        let answer = sender.send(request.body(body).unwrap()).await;
        assert_eq!(answer.status, status, "{who} at {path}");
        assert!(
            !asked.load(Ordering::SeqCst),
            "the body of {who} at {path} was read"
        );
    }
    for path in ["/login", "/register"] {
        let (body, asked) = watched_body();
        let request = stranger
            .request(Method::POST, path)
            .header("sec-fetch-site", "cross-site");
        assert_eq!(stranger.send(request.body(body).unwrap()).await.status, 403);
        assert!(!asked.load(Ordering::SeqCst), "{path}");
    }
    app.auth.users().set_verified(&id, true).await.unwrap();
    let (body, asked) = watched_body();
    let request = client.request(Method::POST, "/upload");
    assert_eq!(client.send(request.body(body).unwrap()).await.status, 200);
    assert!(asked.load(Ordering::SeqCst), "the watch would have seen it");
}

/// Middleware of an application that only wants to know who it is.
async fn who(State(auth): State<Auth>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let name = match resolve_principal(&auth, &mut parts).await {
        Ok(found) => found.map_or_else(|| "nobody".to_owned(), |user| user.username.clone()),
        Err(problem) => return problem.into_response(),
    };
    let mut response = next.run(Request::from_parts(parts, body)).await;
    response
        .headers_mut()
        .insert("x-who", name.parse().unwrap());
    response
}

#[public]
async fn open() -> &'static str {
    "open"
}

#[require]
async fn closed(user: Principal<Auth>) -> String {
    user.username.clone()
}

#[require(transport(session))]
async fn mixed(_first: Principal<Auth>, second: Option<Principal<Auth>>) -> String {
    second.map(|user| user.username.clone()).unwrap_or_default()
}

fn behind(middleware: &Auth, guards: &Auth) -> axum::Router {
    let router: axum::Router = Router::new()
        .route("/open", get(open).post(open))
        .route("/closed", get(closed).post(closed))
        .route("/mixed", get(mixed))
        .with_state(guards.clone())
        .into_axum();
    router.layer(from_fn_with_state(middleware.clone(), who))
}

#[tokio::test]
async fn middleware_learns_who_it_is_without_token_and_without_recording_the_use() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let mut client = Client::new(behind(&app.auth, &app.auth));
    client.cookies = app.signed_in("ada").await.cookies;
    let written = "SELECT last_activity FROM auth_sessions";
    let opened = app.count(written).await;
    app.clock.advance(Duration::from_secs(61));

    let answer = client.post("/open").await;

    assert_eq!(
        (answer.status.as_u16(), answer.header("x-who")),
        (200, Some("ada"))
    );
    assert_eq!(
        app.count(written).await,
        opened,
        "looking is no use of the session"
    );
}

#[tokio::test]
async fn a_guard_behind_middleware_does_what_was_left_out() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let signed_in = app.signed_in("ada").await;
    let mut client = Client::new(behind(&app.auth, &app.auth));
    client.cookies = signed_in.cookies;
    let written = "SELECT last_activity FROM auth_sessions";
    let opened = app.count(written).await;
    app.clock.advance(Duration::from_secs(61));

    let forged = client.post("/closed").await;
    assert_eq!(
        (forged.status.as_u16(), forged.header("x-who")),
        (403, Some("ada"))
    );
    assert_eq!(forged.code(), "csrf_missing");
    assert_eq!(
        app.count(written).await,
        opened,
        "a forged request is no use either"
    );
    client.csrf = signed_in.csrf;
    assert_eq!(client.post("/closed").await.text, "ada");
    assert_eq!(app.count(written).await, opened + 61_000_000);
}

#[tokio::test]
async fn middleware_finds_nobody_for_a_dead_session() {
    let app = TestApp::start().await;
    let client = Client::new(behind(&app.auth, &app.auth));
    assert_eq!(client.get("/open").await.header("x-who"), Some("nobody"));
    assert_eq!(client.get("/closed").await.status, 401);
}

#[tokio::test]
async fn who_one_authority_found_is_nobody_to_another_over_its_own_database() {
    let (one, other) = (TestApp::start().await, TestApp::start().await);
    one.register("ada").await;
    let mut client = Client::new(behind(&one.auth, &other.auth));
    client.cookies = one.signed_in("ada").await.cookies;

    let answer = client.get("/closed").await;

    assert_eq!(answer.header("x-who"), Some("ada"));
    assert_eq!(
        answer.status, 401,
        "its guard asks its own database: {}",
        answer.text
    );
}

#[tokio::test]
async fn sec_147_a_database_that_does_not_answer_is_no_sign_out() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let client = app.signed_in("ada").await;
    app.auth.shutdown().await;
    for path in ["/me", "/dashboard", "/maybe", "/sessions"] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 503, "{path}");
        assert!(answer.header("retry-after").is_some());
        assert!(answer.set_cookies().is_empty());
    }
    assert_eq!(client.post("/logout").await.status, 503);
    drop(pool(&app.file.url(), 1).await);
}
