//! Everything a browser is given, at every door that takes a secret: each opens its own and no other (advisory 1).

use axum::body::Body;
use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crudauth::auth;
use crudauth::mail::MessageKind;
use serde_json::{Value, json};

use crate::mailed;
use crate::mailed::MailApp;
use crate::support::{Client, FORM, PASSWORD, TestApp, User, encode};

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

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[bearer(refresh(deliver = "body"), revocation, introspection)]
    #[email(frontend_url = "https://app.example.com")]
    pub struct Everything<User>;
}

/// Everything that the application issues, and where each opens something.
async fn everything(app: &MailApp<Everything>, browser: &Client) -> Vec<(&'static str, String)> {
    let ask = async |path: &str| {
        let body = json!({ "email": "ada@example.com" });
        let answer = app.client().post_json(path, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    };
    let body = format!("username=ada&password={}", encode(PASSWORD));
    let answer = app.client().post_body("/token", FORM, body).await.json();
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    let access = text("access_token");
    let signature = access.rsplit('.').next().unwrap().to_owned();
    let payload = URL_SAFE_NO_PAD
        .decode(access.split('.').nth(1).unwrap())
        .unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    let claim = |name: &str| claims[name].as_str().unwrap().to_owned();
    ask("/email/verify-request").await;
    app.deliver().await;
    let verify = app.token(MessageKind::VerifyEmail, "ada");
    ask("/password/reset-request").await;
    app.deliver().await;
    let reset = app.token(MessageKind::ResetPassword, "ada");
    let listed = browser.get("/sessions").await.json();
    vec![
        ("access", access),
        ("refresh", text("refresh_token")),
        ("session", browser.cookies["session_id"].clone()),
        ("csrf", browser.cookies["csrf_token"].clone()),
        ("device", browser.cookies["device_id"].clone()),
        ("verify", verify),
        ("reset", reset),
        // No secrets, and nothing opens to them.
        ("handle", listed[0]["id"].as_str().unwrap().to_owned()),
        ("family", claim("sid")),
        ("name of a token", claim("jti")),
        ("signature", signature),
    ]
}

/// What a door says to a value: whether it opened.
async fn opens(app: &MailApp<Everything>, browser: &Client, door: &str, value: &str) -> bool {
    let client = app.client();
    let nobody = format!("/sessions/{}", "0".repeat(64));
    let bearer = async |path: &str, scheme: &str| {
        let request = client
            .request(Method::GET, path)
            .header("authorization", format!("{scheme} {value}"));
        client.send(request.body(Body::empty()).unwrap()).await
    };
    let answer = match door {
        "access" => bearer("/me", "Bearer").await,
        "basic" => bearer("/me", "Basic").await,
        "session" => {
            with_cookie_of(&client, "session_id", value)
                .get("/me")
                .await
        }
        "refresh cookie" => {
            with_cookie_of(&client, "refresh_token", value)
                .post("/refresh")
                .await
        }
        "refresh" => {
            let body = json!({ "refresh_token": value });
            client.post_json("/refresh", &body).await
        }
        "csrf" => {
            let mut browser = browser.clone();
            browser.csrf = Some(value.to_owned());
            return browser.delete(&nobody).await.status == 404;
        }
        "csrf cookie" => {
            let mut browser = with_cookie_of(browser, "csrf_token", value);
            browser.csrf = None;
            return browser.delete(&nobody).await.status == 404;
        }
        "introspect" => {
            let body = format!("token={}", encode(value));
            let answer = browser.post_body("/token/introspect", FORM, body).await;
            return answer.text != r#"{"active":false}"#;
        }
        _ => {
            let body = json!({ "token": value, "new_password": "a wholly different one" });
            client.post_json(door, &body).await
        }
    };
    assert!(
        answer.status.is_success() || answer.status.is_client_error(),
        "{door}: {}",
        answer.text
    );
    answer.status.is_success()
}

fn with_cookie_of(client: &Client, name: &str, value: &str) -> Client {
    let mut client = client.clone();
    client.cookies.insert(name.to_owned(), value.to_owned());
    client
}

/// Everything that is kept, but for what counts requests.
async fn kept(app: &MailApp<Everything>) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for table in app.db.tables().await {
        if !matches!(table.as_str(), "auth_limits" | "auth_attempts") {
            all.extend(app.db.bytes(&table).await);
        }
    }
    all.sort();
    all
}

/// Advisory 1, with tokens: each secret at each door but its own is refused, and changes nothing.
#[tokio::test]
async fn sec_069_every_secret_at_every_door_opens_its_own_only() {
    let app = mailed!(Everything);
    app.sign_up("ada").await;
    app.db.run("UPDATE users SET email_verified = FALSE").await;
    let browser = app.signed_in("ada").await;
    let secrets = everything(&app, &browser).await;
    let doors = [
        ("access", &["access"][..]),
        ("basic", &[]),
        ("session", &["session"]),
        ("csrf", &["csrf"]),
        ("csrf cookie", &[]),
        ("introspect", &["access", "refresh"]),
        ("refresh", &["refresh"]),
        ("refresh cookie", &["refresh"]),
        ("/email/change-confirm", &[]),
        ("/email/change-undo", &[]),
        ("/email/verify-confirm", &["verify"]),
        ("/password/reset-confirm", &["reset"]),
    ];
    let before = kept(&app).await;
    for (door, opened_by) in doors {
        for (name, value) in &secrets {
            if !opened_by.contains(name) {
                assert!(
                    !opens(&app, &browser, door, value).await,
                    "{name} at {door}"
                );
            }
        }
        assert_eq!(kept(&app).await, before, "something was changed at {door}");
    }
    // And each does open its own, so that nothing above was refused for another reason; a new password comes last, because it
    // ends the rest.
    for (door, opened_by) in doors {
        for name in opened_by {
            let (_, value) = secrets.iter().find(|(other, _)| other == name).unwrap();
            assert!(opens(&app, &browser, door, value).await, "{name} at {door}");
        }
    }
}
