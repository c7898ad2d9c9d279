//! An account with a password and one without, for the files that set and change one.
#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "shared by test binaries that each use a part"
)]

use crate::support::{Answer, Client, TestApp};

pub fn told(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.text.as_str())
}

pub async fn hash(app: &TestApp) -> String {
    app.db
        .query("SELECT coalesce(password_hash, 'NULL') FROM users")
        .scalar()
        .await
}

pub async fn alice() -> (TestApp, Client) {
    let app = TestApp::start().await;
    app.register("alice").await;
    let client = app.signed_in("alice").await;
    (app, client)
}

/// An account as a provider would leave it: signed in, without a password that could ever be right.
pub async fn without_password() -> (TestApp, Client) {
    let (app, client) = alice().await;
    app.db
        .run("UPDATE users SET password_hash = '!nothing'")
        .await;
    (app, client)
}
