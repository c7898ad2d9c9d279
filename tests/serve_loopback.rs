//! `danger_insecure_cookies`: development on this machine, and nowhere else. A process of its own, because asking for it
//! binds the whole process to loopback.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail where an application may not"
)]

mod support;

use crudauth::auth;
use crudauth::routing::Router;
use crudauth::testing::TestBuilder as _;
use support::{Client, PASSWORD, SECRET, User};
use tokio::net::TcpListener;

auth! {
    #[database(sqlite, postgres)]
    #[session(danger_insecure_cookies)]
    pub struct Local<User>;
}

#[tokio::test]
async fn sec_052_without_secure_cookies_only_loopback_is_served() {
    let everywhere = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let auth = Local::connect("sqlite::memory:")
        .secret(SECRET)
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    let app = || -> axum::Router { Router::<()>::new().mount(&auth).into() };

    let refused = crudauth::serve(everywhere, app())
        .with_graceful_shutdown(async {})
        .await
        .unwrap_err();
    let local = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let served = crudauth::serve(local, app())
        .with_graceful_shutdown(async {})
        .await;

    let told = refused.to_string();
    assert!(
        told.contains("danger_insecure_cookies") && told.contains("0.0.0.0:"),
        "{told}"
    );
    served.unwrap();
    let mut client = Client::new(app());
    let body =
        serde_json::json!({"email": "ada@example.com", "username": "ada", "password": PASSWORD});
    assert_eq!(client.post_json("/register", &body).await.status, 200);
    let answer = client.login("ada", PASSWORD).await;
    assert!(
        answer.set_cookies()[0].ends_with("; HttpOnly; Path=/; SameSite=lax"),
        "only `Secure` is dropped"
    );
    assert!(
        answer
            .set_cookies()
            .iter()
            .all(|cookie| !cookie.contains("Secure"))
    );
    let forged = {
        client.csrf = None;
        client.post("/logout").await
    };
    assert_eq!(forged.code(), "csrf_missing", "nothing else is loosened");
}
