//! The unsafe routes, and what they could change.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "shared by test binaries that each use a part"
)]

use axum::body::Body;
use axum::http::Method;

use crate::support::{Answer, Client, TestApp};

pub const MISSING: &str = r#"{"detail":"Missing CSRF token","code":"csrf_missing"}"#;
pub const INVALID: &str = r#"{"detail":"Invalid CSRF token","code":"csrf_invalid"}"#;
/// Every unsafe route that a session authenticates, the application's own among them.
pub async fn guarded(client: &Client) -> Vec<(Method, String)> {
    let handle = client.get("/sessions").await.json()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    vec![
        (Method::POST, "/logout".to_owned()),
        (Method::POST, "/logout-all".to_owned()),
        (Method::POST, "/change-password".to_owned()),
        (Method::POST, "/set-password".to_owned()),
        (Method::DELETE, format!("/sessions/{handle}")),
        (Method::POST, "/dashboard".to_owned()),
        (Method::POST, "/maybe".to_owned()),
        (Method::POST, "/upload".to_owned()),
    ]
}

pub async fn send(
    client: &Client,
    method: &Method,
    path: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let mut request = client.request(method.clone(), path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    client.send(request.body(Body::empty()).unwrap()).await
}

/// The tables that an unsafe request could change.
pub async fn state(app: &TestApp) -> (i64, i64, String) {
    let hashes: Vec<String> = app
        .db
        .query("SELECT password_hash || token_version FROM users ORDER BY id")
        .scalars()
        .await;
    let csrf: i64 = app
        .count("SELECT count(DISTINCT csrf) FROM auth_sessions")
        .await;
    (
        app.count("SELECT count(*) FROM auth_sessions").await,
        csrf,
        hashes.concat(),
    )
}
