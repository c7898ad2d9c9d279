//! Everything a browser is given, at every door that takes a secret: each opens its own and no other (advisory 1).

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod support;

use support::{Client, PASSWORD, TestApp};

/// What a sign-in issues, by name.
async fn issued(app: &TestApp) -> Vec<(&'static str, String)> {
    let mut browser = app.client();
    browser.login("ada", PASSWORD).await;
    let handle = browser.get("/sessions").await.json()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let device = browser.cookies["device_id"].clone();
    vec![
        ("session", browser.cookies["session_id"].clone()),
        ("csrf", browser.cookies["csrf_token"].clone()),
        ("device nonce", device.split('.').next().unwrap().to_owned()),
        ("device", device),
        ("handle", handle),
    ]
}

fn with_cookie(app: &TestApp, name: &str, value: &str) -> Client {
    let mut client = app.client();
    client.cookies.insert(name.to_owned(), value.to_owned());
    client
}

#[tokio::test]
async fn each_secret_opens_its_own_door_only() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let secrets = issued(&app).await;
    let session = &secrets[0].1;

    for (name, value) in &secrets {
        // as a session
        let as_session = with_cookie(&app, "session_id", value)
            .get("/me")
            .await
            .status;
        assert_eq!(
            as_session,
            if *name == "session" { 200 } else { 401 },
            "{name} as a session"
        );

        // as a CSRF token
        let mut browser = with_cookie(&app, "session_id", session);
        browser.csrf = Some(value.clone());
        let as_csrf = browser.post("/dashboard").await.status;
        assert_eq!(
            as_csrf,
            if *name == "csrf" { 200 } else { 403 },
            "{name} as a CSRF token"
        );

        // as the handle of a session
        browser.csrf = Some(secrets[1].1.clone());
        if *name != "handle" {
            let as_handle = browser.delete(&format!("/sessions/{value}")).await.status;
            assert_eq!(as_handle, 404, "{name} as a handle");
        }
    }

    // as the cookie of a known browser, while strangers are locked out
    let locked = app.client().from("203.0.113.9");
    for _ in 0..6 {
        let mut stranger = locked.clone();
        stranger.login("ada", "a wrong one").await;
    }
    for (name, value) in &secrets {
        let mut browser = with_cookie(&app, "device_id", value).from("203.0.113.10");
        let status = browser.login("ada", PASSWORD).await.status;
        if *name == "device" {
            assert_eq!(status, 200, "the device cookie itself");
            break;
        }
        assert_eq!(status, 429, "{name} as a device cookie");
    }
}
