//! What every answer has in common, whatever was asked and whatever went wrong.

use axum::body::Body;
use axum::http::Method;
use crudauth::routing::{Router, get};
use crudauth::{Principal, public, require};
use serde_json::{Value, json};

use crate::support::{Answer, Auth, Client, FORM, JSON, PASSWORD, TestApp, encode};
use crate::wire::Served;

/// Every route, asked by a stranger, a forger and the owner.
async fn everything(app: &TestApp) -> Vec<(String, Answer)> {
    let owner = app.signed_in("ada").await;
    let mut forger = app.signed_in("ada").await;
    forger.csrf = None;
    let mut answers = Vec::new();
    let login = format!("username=ada&password={}", encode(PASSWORD));
    let wrong = "username=ada&password=wrong+password".to_owned();
    let register = |name: &str| {
        json!({"email": format!("{name}@example.com"), "username": name, "password": PASSWORD})
            .to_string()
    };
    let change =
        json!({"current_password": PASSWORD, "new_password": "another long password"}).to_string();
    let handle = owner.get("/sessions").await.json()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let requests = [
        ("POST", "/register", JSON, register("ada")),
        ("POST", "/register", JSON, "{".to_owned()),
        ("POST", "/login", FORM, login),
        ("POST", "/login", FORM, wrong),
        ("POST", "/login", JSON, "{}".to_owned()),
        ("GET", "/me", JSON, String::new()),
        ("GET", "/sessions", JSON, String::new()),
        ("POST", "/set-password", JSON, change.clone()),
        ("POST", "/csrf/refresh", JSON, String::new()),
        ("DELETE", "/sessions/0", JSON, String::new()),
        ("GET", "/nowhere", JSON, String::new()),
        ("GET", "/login", JSON, String::new()),
        ("GET", "/admin", JSON, String::new()),
        ("POST", "/upload", JSON, String::new()),
        ("POST", "/logout-all?keep_current=1", JSON, String::new()),
        ("POST", "/change-password", JSON, change),
        (
            "DELETE",
            &format!("/sessions/{handle}"),
            JSON,
            String::new(),
        ),
        ("POST", "/logout", JSON, String::new()),
    ];
    for (who, client) in [
        ("stranger", app.client()),
        ("forger", forger),
        ("owner", owner),
    ] {
        for (method, path, kind, body) in &requests {
            // A sign-in ends the session that comes with it: it gets a browser of its own.
            let nobody = app.client();
            let client = if *path == "/login" { &nobody } else { &client };
            let request = client
                .request(Method::from_bytes(method.as_bytes()).unwrap(), path)
                .header("content-type", *kind);
            let answer = client
                .send(request.body(Body::from(body.clone())).unwrap())
                .await;
            answers.push((format!("{who} {method} {path}"), answer));
        }
    }
    let answer = app
        .client()
        .post_body("/register", JSON, register("bob"))
        .await;
    answers.push(("stranger POST /register".to_owned(), answer));
    answers
}

#[tokio::test]
async fn sec_136_no_answer_may_be_kept() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let mut seen = std::collections::BTreeSet::new();
    for (asked, answer) in everything(&app).await {
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{asked}");
        seen.insert(answer.status.as_u16());
        if matches!(answer.status.as_u16(), 404 | 405) && !asked.contains("/sessions/") {
            continue; // the same for everybody
        }
        let vary: Vec<_> = answer
            .headers
            .get_all("vary")
            .iter()
            .map(|value| value.to_str().unwrap())
            .collect();
        assert_eq!(vary, ["Cookie, Authorization"], "{asked}");
    }
    assert!(
        [200, 401, 403, 404, 405, 422]
            .iter()
            .all(|status| seen.contains(status)),
        "{seen:?}"
    );
}

#[tokio::test]
async fn sec_130_no_answer_has_more_than_the_contract_says() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let keys = |value: &Value| {
        value
            .as_object()
            .map(|object| object.keys().cloned().collect::<Vec<_>>().join(","))
    };
    let allowed = [
        "detail",
        "detail,code",
        "detail,revoked",
        "id,email,username",
        "id,username,csrf_token",
        "csrf_token",
        "user_id,username,email,is_superuser,scopes,via",
        "id,device,ip,created_at,last_activity,current",
    ];
    let allowed: Vec<Vec<&str>> = allowed.iter().map(|keys| sorted(keys)).collect();
    for (asked, answer) in everything(&app).await {
        for secret in [
            "argon2",
            "hash",
            "token_version",
            "totp",
            PASSWORD,
            "\"input\"",
        ] {
            let told = answer.text.contains(secret);
            assert!(!told, "{asked} tells {secret}: {}", answer.text);
        }
        let body = answer.json();
        let objects = body.as_array().cloned().unwrap_or_else(|| vec![body]);
        for keys in objects.iter().filter_map(keys) {
            assert!(allowed.contains(&sorted(&keys)), "{asked}: {keys}");
        }
    }
    let user = app
        .auth
        .users()
        .find_by_username("ada")
        .await
        .unwrap()
        .unwrap();
    assert!(!format!("{user:?}").contains("argon2"));
}

fn sorted(keys: &str) -> Vec<&str> {
    let mut keys: Vec<_> = keys.split(',').collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn sec_135_a_database_error_is_told_without_details() {
    for table in ["auth_sessions", "users", "auth_attempts", "auth_limits"] {
        let app = TestApp::start().await;
        app.register("ada").await;
        let client = app.signed_in("ada").await;
        // What is broken: the table is there no more, while the server runs.
        let rename = format!("ALTER TABLE {table} RENAME TO gone");
        app.db.run(rename).await;
        let login = format!("username=ada&password={}", encode(PASSWORD));
        let change = json!({"current_password": PASSWORD, "new_password": "another long password"})
            .to_string();
        let mut failed = 0;
        for (method, path, kind, body) in [
            ("POST", "/login", FORM, login),
            ("GET", "/me", JSON, String::new()),
            ("GET", "/sessions", JSON, String::new()),
            ("POST", "/csrf/refresh", JSON, String::new()),
            ("POST", "/change-password", JSON, change),
            ("POST", "/logout-all", JSON, String::new()),
            ("GET", "/dashboard", JSON, String::new()),
            ("POST", "/logout", JSON, String::new()),
        ] {
            let request = client
                .request(Method::from_bytes(method.as_bytes()).unwrap(), path)
                .header("content-type", kind);
            let answer = client.send(request.body(Body::from(body)).unwrap()).await;
            if answer.status.is_server_error() {
                failed += 1;
                assert_eq!(answer.status, 500, "{table} {path}");
                assert_eq!(
                    answer.text,
                    r#"{"detail":"Internal Server Error","code":"internal_error"}"#
                );
                assert_eq!(answer.header("cache-control"), Some("no-store"));
                assert!(answer.set_cookies().is_empty());
            }
        }
        assert!(failed > 0, "{table}");
    }
}

#[public]
async fn panics() -> &'static str {
    panic!("MARKER at /srv/app/src/main.rs, password hunter2")
}

#[require]
async fn panics_later(user: Principal<Auth>) -> String {
    panic!("MARKER {}", user.email)
}

#[tokio::test]
async fn sec_135_a_panic_is_the_same_answer_and_the_server_lives_on() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let cookies = app.signed_in("ada").await.cookie_header().unwrap();
    let router = Router::new()
        .route("/panics", get(panics))
        .route("/later", get(panics_later))
        .mount(&app.auth);
    let served = Served::start(router.with_state(app.auth.clone()).into_axum()).await;
    for path in ["/panics", "/later", "/panics"] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: a\r\nCookie: {cookies}\r\nX-Request-Id: forged\r\nConnection: close\r\n\r\n"
        );
        let answer = served.exchange(&request).await;
        assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
        assert!(
            answer.ends_with(r#"{"detail":"Internal Server Error","code":"internal_error"}"#),
            "{answer}"
        );
        assert!(
            !answer.contains("MARKER") && !answer.contains("forged"),
            "{answer}"
        );
        let head = answer.to_lowercase();
        assert!(
            head.contains("\r\nx-request-id: ") && head.contains("cache-control: no-store"),
            "{answer}"
        );
    }
    let answer = served
        .exchange(format!(
            "GET /me HTTP/1.1\r\nHost: a\r\nCookie: {cookies}\r\nConnection: close\r\n\r\n"
        ))
        .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

async fn post(client: &Client, path: &str, kind: &str, body: &str) -> Answer {
    client.post_body(path, kind, body.to_owned()).await
}

#[tokio::test]
#[expect(
    clippy::too_many_lines,
    reason = "one row for each way to say something twice"
)]
async fn sec_137_what_is_said_twice_is_refused() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let client = app.signed_in("ada").await;
    let eve = r#""email":"eve@example.com","username":"eve","password":"correct horse battery""#;
    let change =
        r#""current_password":"correct horse battery","new_password":"another long password""#;
    let password = encode(PASSWORD);
    for (path, kind, body) in [
        (
            "/register",
            JSON,
            format!(r#"{{{eve},"email":"eve@example.com"}}"#),
        ),
        (
            "/register",
            JSON,
            format!(r#"{{{eve},"username":"mallory"}}"#),
        ),
        (
            "/register",
            JSON,
            format!(r#"{{{eve},"p\u0061ssword":"correct horse battery"}}"#),
        ),
        (
            "/register",
            JSON,
            format!(r#"{{{eve},"unknown":1,"unknown":2}}"#),
        ),
        (
            "/register",
            JSON,
            format!(r#"{{{eve},"unknown":{{"a":1,"a":2}}}}"#),
        ),
        (
            "/register?email=mallory@example.com",
            JSON,
            format!("{{{eve}}}"),
        ),
        ("/register?password=x", JSON, format!("{{{eve}}}")),
        ("/register?x=1&x=2", JSON, format!("{{{eve}}}")),
        (
            "/change-password",
            JSON,
            format!(r#"{{{change},"new_password":"a third long password"}}"#),
        ),
        (
            "/change-password?current_password=x",
            JSON,
            format!("{{{change}}}"),
        ),
        (
            "/set-password?new_password=x",
            JSON,
            r#"{"new_password":"another long password"}"#.to_owned(),
        ),
        (
            "/set-password",
            JSON,
            r#"{"new_password":"another long password","new_password":"x"}"#.to_owned(),
        ),
        (
            "/login",
            FORM,
            format!("username=ada&username=ada&password={password}"),
        ),
        (
            "/login",
            FORM,
            format!("username=ada&password={password}&password=x"),
        ),
        (
            "/login",
            FORM,
            format!("username=ada&user%6eame=ada&password={password}"),
        ),
        (
            "/login",
            FORM,
            format!("username=ada&password={password}&remember_me=1&remember_me=0"),
        ),
        (
            "/login?username=bob",
            FORM,
            format!("username=ada&password={password}"),
        ),
        (
            "/login?password=x",
            FORM,
            format!("username=ada&password={password}"),
        ),
        (
            "/logout-all?keep_current=1&keep_current=0",
            JSON,
            String::new(),
        ),
        (
            "/logout-all?keep_current=0&keep%5fcurrent=1",
            JSON,
            String::new(),
        ),
    ] {
        let answer = post(&client, path, kind, &body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (422, "validation_error"),
            "{path} {body}"
        );
        assert!(answer.set_cookies().is_empty());
    }
    assert_eq!(app.count("SELECT count(*) FROM users").await, 1);
    assert_eq!(client.get("/me").await.status, 200);
    assert_eq!(app.client().login("ada", PASSWORD).await.status, 200);
}
