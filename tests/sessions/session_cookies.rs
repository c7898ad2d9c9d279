//! The cookies of every answer, and the names that a block gives them.

use axum::body::Body;
use axum::http::Method;
use crudauth::auth;
use crudauth::testing::TestBuilder as _;

use crate::support::{self, Answer, Client, FORM, PASSWORD, SECRET, TempDb, TestApp, User, encode};

/// Name, value and attributes of what an answer sets.
fn set(answer: &Answer) -> Vec<(String, String, Vec<String>)> {
    let read = |line: &str| {
        let mut parts = line.split("; ");
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        (
            name.to_owned(),
            value.to_owned(),
            parts.map(str::to_owned).collect(),
        )
    };
    answer.set_cookies().into_iter().map(read).collect()
}

/// What every cookie of ours must be, whatever route sets it.
fn assert_hardened(answer: &Answer, what: &str) {
    for (name, _, attributes) in set(answer) {
        let has = |wanted: &str| attributes.iter().any(|attribute| attribute == wanted);
        let starts = |wanted: &str| {
            attributes
                .iter()
                .any(|attribute| attribute.to_lowercase().starts_with(wanted))
        };
        assert!(
            has("Secure") && has("Path=/") && has("SameSite=lax"),
            "{what}: {name} {attributes:?}"
        );
        assert!(!starts("domain"), "{what}: {name} {attributes:?}");
        // Only the token is for scripts; a deletion of it need not hide anything either.
        assert_eq!(
            has("HttpOnly"),
            name != "csrf_token",
            "{what}: {name} {attributes:?}"
        );
    }
}

#[tokio::test]
async fn sec_051_every_cookie_of_every_route_is_hardened() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let client = app.signed_in("ada").await;
    let mut lost = app.signed_in("ada").await;
    lost.cookies.remove("csrf_token");
    let handle = lost.get("/sessions").await.json()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let login = format!("username=ada&password={}", encode(PASSWORD));
    let answers = [
        (
            "login",
            client.post_body("/login", FORM, login.clone()).await,
        ),
        (
            "remembered",
            client
                .post_body("/login", FORM, format!("{login}&remember_me=1"))
                .await,
        ),
        ("refresh", lost.post("/csrf/refresh").await),
        ("me", lost.get("/me").await),
        ("end", {
            lost.csrf = None;
            lost.delete(&format!("/sessions/{handle}")).await
        }),
        ("logout", app.signed_in("ada").await.post("/logout").await),
        (
            "logout-all",
            app.signed_in("ada").await.post("/logout-all").await,
        ),
        ("no session", app.client().post("/logout").await),
    ];
    let mut seen = 0;
    for (what, answer) in &answers {
        assert_hardened(answer, what);
        seen += answer.set_cookies().len();
    }
    assert!(seen >= 13, "{seen} cookies seen");
}

#[tokio::test]
async fn sec_051_only_signing_in_sets_a_session_cookie() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let mut client = app.client();
    client
        .cookies
        .insert("session_id".to_owned(), "A".repeat(43));
    for (method, path) in [
        ("GET", "/me"),
        ("POST", "/register"),
        ("POST", "/change-password"),
        ("GET", "/sessions"),
        ("GET", "/nowhere"),
        ("GET", "/login"),
        ("POST", "/csrf/refresh"),
    ] {
        let request = client.request(Method::from_bytes(method.as_bytes()).unwrap(), path);
        let answer = client.send(request.body(Body::empty()).unwrap()).await;
        assert!(answer.status.is_client_error(), "{path}");
        assert!(answer.set_cookies().is_empty(), "{path}");
    }
}

auth! {
    #[database(sqlite, postgres)]
    #[session(host_prefix, same_site = "strict", idle = "5m", absolute = "1h", remember_me = "2d", max_sessions = 1, management)]
    pub struct Strict<User>;
}

auth! {
    #[database(sqlite, postgres)]
    #[session(cookie = "sid", csrf_cookie = "token", device_cookie = "dev", path = "/app", danger_insecure_cookies, danger_no_csrf, management)]
    pub struct Loose<User>;
}

auth! {
    #[database(sqlite, postgres)]
    #[session(rotate_on_change)]
    pub struct Rotating<User>;
}

/// An account `ada` in a database of its own, under another block.
macro_rules! start {
    ($auth:ident) => {{
        let file = TempDb::new();
        let auth = $auth::connect(file.url()).secret(SECRET).cheap_hashing().manual_workers().await.unwrap();
        let client = Client::new(auth.router());
        let body = serde_json::json!({"email": "ada@example.com", "username": "ada", "password": PASSWORD});
        assert_eq!(client.post_json("/register", &body).await.status, 200);
        (file, client)
    }};
}

#[tokio::test]
async fn sec_051_prefixed_strict_cookies_keep_the_promises_of_their_prefix() {
    let (_file, mut client) = start!(Strict);
    let answer = client.login_with("ada", PASSWORD, "&remember_me=1").await;
    let names: Vec<_> = set(&answer).into_iter().map(|(name, _, _)| name).collect();
    assert_eq!(
        names,
        ["__Host-session_id", "__Host-csrf_token", "__Host-device_id"]
    );
    for (name, _, attributes) in set(&answer) {
        for wanted in ["Secure", "Path=/", "SameSite=strict"] {
            assert!(
                attributes.iter().any(|attribute| attribute == wanted),
                "{name}: {attributes:?}"
            );
        }
    }
    assert!(answer.set_cookies()[0].contains("Max-Age=172800"));
    assert_eq!(client.get("/me").await.status, 200);
    assert_eq!(client.post("/logout").await.set_cookies().len(), 2);
}

#[tokio::test]
async fn sec_053_under_a_prefix_only_the_prefixed_cookie_is_read() {
    let (_file, mut client) = start!(Strict);
    client.login("ada", PASSWORD).await;
    let id = client.cookies["__Host-session_id"].clone();
    client
        .cookies
        .insert("session_id".to_owned(), "A".repeat(43));
    assert_eq!(
        client.get("/me").await.status,
        200,
        "a parent domain's cookie is passed over"
    );
    client.cookies.remove("__Host-session_id");
    client.cookies.insert("session_id".to_owned(), id);
    assert_eq!(client.get("/me").await.status, 401);
}

#[tokio::test]
async fn sec_055_a_cap_of_one_keeps_the_newest_session() {
    let (_file, mut first) = start!(Strict);
    let mut second = first.clone();
    first.login("ada", PASSWORD).await;
    second.login("ada", PASSWORD).await;
    assert_eq!(first.get("/me").await.status, 401);
    assert_eq!(second.get("/me").await.status, 200);
}

#[tokio::test]
async fn a_block_names_its_cookies_and_their_path() {
    let (_file, mut client) = start!(Loose);
    let answer = client.login("ada", PASSWORD).await;
    assert_eq!(answer.json()["csrf_token"], "");
    let cookies = set(&answer);
    assert_eq!(cookies.len(), 2, "no token, no cookie for it: {cookies:?}");
    assert_eq!(cookies[0].0, "sid");
    assert_eq!(cookies[0].2, ["HttpOnly", "Path=/app", "SameSite=lax"]);
    assert_eq!(cookies[1].0, "dev");
    client.csrf = None;
    let refresh = client.post("/csrf/refresh").await;
    assert_eq!(
        (refresh.status.as_u16(), refresh.text.as_str()),
        (
            400,
            r#"{"detail":"CSRF is disabled.","code":"csrf_disabled"}"#
        )
    );
    let logout = client.post("/logout").await;
    assert_eq!(logout.status, 200);
    let cookies = set(&logout);
    assert_eq!(cookies.len(), 1);
    assert_eq!(
        cookies[0].2[1..],
        ["HttpOnly", "Max-Age=0", "Path=/app", "SameSite=lax"]
    );
}

#[tokio::test]
async fn sec_060_without_a_token_the_origin_still_counts() {
    let (_file, mut client) = start!(Loose);
    client.login("ada", PASSWORD).await;
    let request = client
        .request(Method::POST, "/logout")
        .header("sec-fetch-site", "cross-site");
    assert_eq!(
        client
            .send(request.body(Body::empty()).unwrap())
            .await
            .status,
        403
    );
    assert_eq!(client.get("/me").await.status, 200);
}

#[tokio::test]
async fn sec_045_by_option_a_password_change_renews_id_and_token() {
    let (_file, mut client) = start!(Rotating);
    client.login_with("ada", PASSWORD, "&remember_me=1").await;
    let before = client.clone();
    let body =
        serde_json::json!({"current_password": PASSWORD, "new_password": "another long password"});

    let answer = client.post_json("/change-password", &body).await;

    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_hardened(&answer, "change-password");
    client.keep(&answer);
    client.csrf = Some(client.cookies["csrf_token"].clone());
    assert!(
        answer.set_cookies()[0].contains("Max-Age=2592000"),
        "{:?}",
        answer.set_cookies()
    );
    assert_ne!(client.cookies["session_id"], before.cookies["session_id"]);
    assert_eq!(before.get("/me").await.status, 401, "the old id is dead");
    let mut stale = client.clone();
    stale.csrf.clone_from(&before.csrf);
    assert_eq!(
        stale.post("/logout").await.status,
        403,
        "and so is the old token"
    );
    assert_eq!(client.post("/logout").await.status, 200);
}

/// What another node, started with these secrets over the same database, says to the browser.
async fn status_under<const N: usize>(app: &TestApp, client: &Client, secrets: [&str; N]) -> u16 {
    let pool = support::pool(&app.file.url(), 1).await;
    let auth = support::Auth::builder(pool)
        .secrets(secrets)
        .clock(app.clock.clone())
        .manual_workers()
        .await
        .unwrap();
    let mut elsewhere = Client::new(support::routes(&auth));
    elsewhere.cookies.clone_from(&client.cookies);
    elsewhere.csrf.clone_from(&client.csrf);
    elsewhere.post("/dashboard").await.status.as_u16()
}

#[tokio::test]
async fn another_secret_signs_everybody_out_unless_the_old_one_is_listed_behind_it() {
    const NEW: &str = "a new secret, of more than thirty-two bytes";
    let app = TestApp::start().await;
    app.register("ada").await;
    let client = app.signed_in("ada").await;
    assert_eq!(status_under(&app, &client, [NEW]).await, 401);
    assert_eq!(status_under(&app, &client, [NEW, SECRET]).await, 200);
    assert_eq!(status_under(&app, &client, [SECRET]).await, 200);
}
