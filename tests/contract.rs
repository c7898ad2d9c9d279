//! Every route and answer that `SPEC` declares, produced over the real router and compared with the wire contract.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod support;

use axum::body::Body;
use axum::http::Method;
use crudauth::testing::TestBuilder;
use crudauth::{AuthUser, PasswordHash, auth};
use crudauth_runtime::features::REGISTRY;
use crudauth_runtime::http::spec::{AnswerSpec, RouteSpec};
use serde_json::{Value, json};
use sqlx::SqlitePool;
use support::{Answer, Client, FORM, JSON, PASSWORD, SECRET, TempDb};

#[derive(Debug, Clone, AuthUser)]
#[auth(table = "users")]
struct Account {
    id: i64,
    email: String,
    username: String,
    password_hash: PasswordHash,
    token_version: i64,
    #[auth(register, unique)]
    #[allow(dead_code, reason = "the client writes it, and nobody here reads it")]
    phone: Option<String>,
}

auth! {
    #[session(management)]
    struct Auth<Account>;
}

auth! {
    #[session(management, danger_no_csrf)]
    struct NoCsrf<Account>;
}

const NEW: &str = "a wholly different one";

/// The sentence of contract.md for each code; lists of issues are compared where they are produced.
fn sentence(code: &str) -> Option<&'static str> {
    Some(match code {
        "not_authenticated" => "Not authenticated",
        "incorrect_credentials" => "Incorrect username or password",
        "current_password_incorrect" => "Current password is incorrect.",
        "csrf_missing" => "Missing CSRF token",
        "csrf_invalid" => "Invalid CSRF token",
        "recent_sign_in_required" => "Sign in again to continue: this needs a recent sign-in.",
        "cross_site_login" => "Cross-site login requests are not allowed.",
        "cross_site" => "Cross-site requests are not allowed.",
        "rate_limited" => "Too many requests. Try again later.",
        "locked_out" => "Too many login attempts. Try again later.",
        "already_has_password" => {
            "Account already has a password; use the password reset flow to change it."
        }
        "no_password" => "Account has no password; use /set-password to create one.",
        "csrf_disabled" => "CSRF is disabled.",
        "email_taken" => "Email already registered",
        "username_taken" => "Username already taken",
        "field_taken" => "Phone already taken",
        "account_exists" => "Account already exists",
        "session_not_found" => "Session not found.",
        _ => return None,
    })
}

/// One application with the account `ada`, and a browser signed in to it.
struct World {
    ada: Client,
    stranger: Client,
    db: SqlitePool,
    clock: crudauth::testing::Clock,
    _file: TempDb,
}

fn sign_up(name: &str, phone: Option<&str>) -> Value {
    json!({ "email": format!("{name}@x.com"), "username": name, "password": PASSWORD, "phone": phone })
}

async fn world() -> World {
    let file = TempDb::new();
    let clock = crudauth::testing::Clock::manual();
    let auth = Auth::connect(file.url())
        .secret(SECRET)
        .clock(clock.clone())
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    world_of(
        crudauth::routing::Router::new()
            .mount(&auth)
            .with_state(auth)
            .into_axum(),
        clock,
        file,
    )
    .await
}

async fn without_csrf() -> World {
    let file = TempDb::new();
    let clock = crudauth::testing::Clock::manual();
    let auth = NoCsrf::connect(file.url())
        .secret(SECRET)
        .clock(clock.clone())
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    world_of(auth.router(), clock, file).await
}

async fn world_of(router: axum::Router, clock: crudauth::testing::Clock, file: TempDb) -> World {
    let stranger = Client::new(router);
    let mut ada = stranger.clone().from("198.51.100.1");
    assert_eq!(
        ada.post_json("/register", &sign_up("ada", Some("555")))
            .await
            .status,
        200
    );
    assert_eq!(ada.login("ada", PASSWORD).await.status, 200);
    World {
        ada,
        stranger,
        db: support::pool(&file.url(), 1).await,
        clock,
        _file: file,
    }
}

impl World {
    async fn sql(&self, text: &'static str) {
        sqlx::query(text).execute(&self.db).await.unwrap();
    }

    async fn foreign(&self, path: &str, kind: &str) -> Answer {
        let request = self
            .stranger
            .request(Method::POST, path)
            .header("sec-fetch-site", "cross-site")
            .header("content-type", kind);
        self.stranger
            .send(request.body(Body::empty()).unwrap())
            .await
    }

    async fn change(&self, current: &str, new: &str) -> Answer {
        self.ada
            .post_json(
                "/change-password",
                &json!({ "current_password": current, "new_password": new }),
            )
            .await
    }

    async fn set(&self, new: &str) -> Answer {
        self.ada
            .post_json("/set-password", &json!({ "new_password": new }))
            .await
    }
}

/// What a route answers the `times`-th time.
macro_rules! repeated {
    ($times:expr, $send:expr) => {{
        for _ in 1..$times {
            $send.await;
        }
        $send.await
    }};
}

/// Produces one answer of one route. An answer of `SPEC` without an arm here fails the test.
#[expect(
    clippy::too_many_lines,
    clippy::match_same_arms,
    reason = "a table, one line for each answer"
)]
async fn produce(route: &str, status: u16, code: &str) -> Answer {
    let w = if code == "csrf_disabled" {
        without_csrf().await
    } else {
        world().await
    };
    let handle = w.ada.get("/sessions").await.json()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    match (route, status, code) {
        ("POST /register", 200, "") => {
            w.stranger
                .post_json("/register", &sign_up("bob", None))
                .await
        }
        ("POST /register", 403, "cross_site") => w.foreign("/register", JSON).await,
        ("POST /register", 422, "validation_error") => w.stranger.post("/register").await,
        ("POST /register", 422, "email_taken") => {
            w.stranger
                .post_json(
                    "/register",
                    &json!({ "email": "ada@x.com", "username": "bob", "password": PASSWORD }),
                )
                .await
        }
        ("POST /register", 422, "username_taken") => {
            w.stranger
                .post_json(
                    "/register",
                    &json!({ "email": "bob@x.com", "username": "ada", "password": PASSWORD }),
                )
                .await
        }
        ("POST /register", 422, "field_taken") => {
            w.stranger
                .post_json("/register", &sign_up("bob", Some("555")))
                .await
        }
        ("POST /register", 422, "account_exists") => {
            w.sql("CREATE UNIQUE INDEX of_the_application ON users (lower(phone))")
                .await;
            w.sql("UPDATE users SET phone = 'abc'").await;
            w.stranger
                .post_json("/register", &sign_up("bob", Some("ABC")))
                .await
        }
        ("POST /register", 429, "rate_limited") => {
            repeated!(6, w.stranger.post_json("/register", &sign_up("ada", None)))
        }
        ("GET /me", 200, "") => w.ada.get("/me").await,
        ("GET /me", 401, "not_authenticated") => w.stranger.get("/me").await,
        ("POST /set-password", 200, "") => {
            w.sql("UPDATE users SET password_hash = '!'").await;
            w.set(NEW).await
        }
        ("POST /set-password", 400, "already_has_password") => w.set(NEW).await,
        ("POST /set-password", 401, "not_authenticated") => w.stranger.post("/set-password").await,
        ("POST /set-password", 403, "recent_sign_in_required") => {
            w.sql("UPDATE users SET password_hash = '!'").await;
            w.clock.advance(std::time::Duration::from_mins(10));
            w.set(NEW).await
        }
        ("POST /set-password", 422, "validation_error") => w.ada.post("/set-password").await,
        ("POST /change-password", 200, "") => w.change(PASSWORD, NEW).await,
        ("POST /change-password", 400, "no_password") => {
            w.sql("UPDATE users SET password_hash = '!'").await;
            w.change(PASSWORD, NEW).await
        }
        ("POST /change-password", 401, "not_authenticated") => {
            w.stranger.post("/change-password").await
        }
        ("POST /change-password", 401, "current_password_incorrect") => {
            w.change("wrong", NEW).await
        }
        ("POST /change-password", 422, "validation_error") => w.ada.post("/change-password").await,
        ("POST /change-password", 422, "same_password") => w.change(PASSWORD, PASSWORD).await,
        ("POST /change-password", 429, "rate_limited") => repeated!(6, w.change("wrong", NEW)),
        ("POST /login", 200, "") => w.stranger.clone().login("ada", PASSWORD).await,
        ("POST /login", 401, "incorrect_credentials") => {
            w.stranger.clone().login("ada", "wrong").await
        }
        ("POST /login", 403, "cross_site_login") => w.foreign("/login", FORM).await,
        ("POST /login", 422, "validation_error") => w.stranger.post("/login").await,
        ("POST /login", 429, "locked_out") => {
            repeated!(6, w.stranger.clone().login("nobody", "wrong"))
        }
        ("POST /logout", 200, "") => w.ada.post("/logout").await,
        ("GET /sessions", 200, "") => w.ada.get("/sessions").await,
        ("GET /sessions", 401, "not_authenticated") => w.stranger.get("/sessions").await,
        ("DELETE /sessions/{id}", 200, "") => w.ada.delete(&format!("/sessions/{handle}")).await,
        ("DELETE /sessions/{id}", 401, "not_authenticated") => {
            w.stranger.delete(&format!("/sessions/{handle}")).await
        }
        ("DELETE /sessions/{id}", 404, "session_not_found") => {
            w.ada.delete(&format!("/sessions/{}", "0".repeat(64))).await
        }
        ("POST /logout-all", 200, "") => w.ada.post("/logout-all?keep_current=true").await,
        ("POST /logout-all", 401, "not_authenticated") => w.stranger.post("/logout-all").await,
        ("POST /logout-all", 422, "validation_error") => {
            w.ada.post("/logout-all?keep_current=perhaps").await
        }
        ("POST /logout-all", 429, "rate_limited") => {
            repeated!(11, w.ada.post("/logout-all?keep_current=true"))
        }
        ("POST /csrf/refresh", 200, "") => w.ada.post("/csrf/refresh").await,
        ("POST /csrf/refresh", 400, "csrf_disabled") => w.ada.post("/csrf/refresh").await,
        ("POST /csrf/refresh", 401, "not_authenticated") => w.stranger.post("/csrf/refresh").await,
        ("POST /csrf/refresh", 429, "rate_limited") => repeated!(31, w.ada.post("/csrf/refresh")),
        _ => panic!("`{route}` declares {status} {code:?}: write here how it comes about"),
    }
}

fn declared() -> impl Iterator<Item = (&'static RouteSpec, &'static AnswerSpec)> {
    REGISTRY
        .iter()
        .flat_map(|feature| feature.routes)
        .flat_map(|route| route.answers.iter().map(move |answer| (route, answer)))
}

#[tokio::test]
async fn every_declared_answer_is_given_as_the_contract_words_it() {
    for (route, wanted) in declared() {
        let name = format!("{} {}", route.method, route.path);
        let answer = produce(&name, wanted.status, wanted.code).await;

        let told = (answer.status.as_u16(), answer.code());
        assert_eq!(
            told,
            (wanted.status, wanted.code.to_owned()),
            "{name}: {}",
            answer.text
        );
        if let Some(sentence) = sentence(wanted.code) {
            assert_eq!(
                answer.text,
                format!(r#"{{"detail":"{sentence}","code":"{}"}}"#, wanted.code),
                "{name}"
            );
        } else if !wanted.code.is_empty() {
            let issues = answer.json()["detail"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            assert!(!issues.is_empty(), "{name}: {}", answer.text);
            assert!(
                issues.iter().all(|issue| issue["type"].is_string()
                    && issue["loc"].is_array()
                    && issue["msg"].is_string()
                    && issue.get("input").is_none()),
                "{name}: {}",
                answer.text
            );
        }
        headers(&name, &answer, route);
    }
}

fn headers(name: &str, answer: &Answer, route: &RouteSpec) {
    assert_eq!(
        answer.header("content-type"),
        Some("application/json"),
        "{name}"
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
    assert!(answer.header("vary").unwrap().contains("Cookie"), "{name}");
    assert!(answer.header("x-request-id").is_some(), "{name}");
    if answer.status == 429 {
        assert!(
            answer
                .header("retry-after")
                .unwrap()
                .parse::<u64>()
                .unwrap()
                >= 1,
            "{name}"
        );
    }
    let limit = match route.limit {
        Some("register" | "change_password") => "5",
        Some("logout_all") => "10",
        Some("csrf_refresh") => "30",
        _ => return assert_eq!(answer.header("x-ratelimit-limit"), None, "{name}"),
    };
    // What was not counted (no credential, a foreign page, a sign-up that is none) has no number to tell.
    let uncounted = matches!(answer.code().as_str(), "cross_site" | "not_authenticated")
        || (route.path == "/register" && answer.code() == "validation_error");
    if !uncounted {
        assert_eq!(answer.header("x-ratelimit-limit"), Some(limit), "{name}");
        let left: u32 = answer
            .header("x-ratelimit-remaining")
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(left == 0, answer.status == 429, "{name}");
    }
}

#[tokio::test]
async fn success_bodies_have_the_contracts_keys_in_its_order() {
    let w = world().await;
    let mut login = w.stranger.clone();
    let opened = login.login("ada", PASSWORD).await;
    let csrf = login.csrf.clone().unwrap();
    let listed = login.get("/sessions").await;
    let session = listed
        .json()
        .as_array()
        .unwrap()
        .iter()
        .find(|session| session["current"] == true)
        .unwrap()
        .clone();

    assert_eq!(
        opened.text,
        format!(r#"{{"id":1,"username":"ada","csrf_token":"{csrf}"}}"#)
    );
    assert!(csrf.len() == 64 && csrf.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(
        login.get("/me").await.text,
        r#"{"user_id":1,"username":"ada","email":"ada@x.com","is_superuser":false,"scopes":[],"via":"session"}"#
    );
    let text = |key: &str| session[key].as_str().unwrap().to_owned();
    let exactly = format!(
        r#"{{"id":"{}","device":{{"browser":"Other","browser_version":"Unknown","os":"Other","device":"Other","is_mobile":false,"is_tablet":false,"is_pc":false}},"ip":"192.0.2.1","created_at":"{}","last_activity":"{}","current":true}}"#,
        text("id"),
        text("created_at"),
        text("last_activity")
    );
    assert!(listed.text.contains(&exactly), "{}", listed.text);
    assert!(
        text("id").len() == 64 && text("created_at").len() == "2026-11-20T16:19:53.082374Z".len()
    );
    assert_eq!(
        login.post("/csrf/refresh").await.text,
        format!(r#"{{"csrf_token":"{csrf}"}}"#)
    );
    assert_eq!(
        login.post("/logout-all?keep_current=true").await.text,
        r#"{"detail":"Signed out of all sessions.","revoked":1}"#
    );
    assert_eq!(
        login
            .delete(&format!("/sessions/{}", text("id")))
            .await
            .text,
        r#"{"detail":"Session revoked."}"#
    );
    assert_eq!(
        w.stranger.post("/logout").await.text,
        r#"{"detail":"Logged out"}"#
    );
}

#[tokio::test]
async fn unsafe_routes_of_a_session_want_its_token() {
    let w = world().await;
    let (mut without, mut wrong) = (w.ada.clone(), w.ada.clone());
    without.csrf = None;
    wrong.csrf = Some("0".repeat(64));

    for route in REGISTRY
        .iter()
        .flat_map(|feature| feature.routes)
        .filter(|route| route.csrf)
    {
        let path = route.path.replace("{id}", &"0".repeat(64));
        for (client, code) in [(&without, "csrf_missing"), (&wrong, "csrf_invalid")] {
            let answer = client
                .send(
                    client
                        .request(route.method.clone(), &path)
                        .body(Body::empty())
                        .unwrap(),
                )
                .await;
            assert_eq!(
                (answer.status.as_u16(), answer.text.clone()),
                (
                    403,
                    format!(
                        r#"{{"detail":"{}","code":"{code}"}}"#,
                        sentence(code).unwrap()
                    )
                ),
                "{path}"
            );
            assert_eq!(answer.header("x-csrf-error"), Some("true"), "{path}");
        }
    }
}

#[tokio::test]
async fn a_wrong_method_is_405_and_an_unknown_path_404_for_everybody() {
    let w = world().await;
    for client in [&w.ada, &w.stranger] {
        for route in REGISTRY.iter().flat_map(|feature| feature.routes) {
            let path = route.path.replace("{id}", &"0".repeat(64));
            let answer = client
                .send(
                    client
                        .request(Method::PATCH, &path)
                        .body(Body::empty())
                        .unwrap(),
                )
                .await;
            assert_eq!(
                (answer.status.as_u16(), answer.text.as_str()),
                (
                    405,
                    r#"{"detail":"Method Not Allowed","code":"method_not_allowed"}"#
                ),
                "{path}"
            );
            let allow = if route.method == Method::GET {
                "GET,HEAD"
            } else {
                route.method.as_str()
            };
            assert_eq!(answer.header("allow"), Some(allow), "{path}");
        }
        for path in [
            "/nope",
            "/register/",
            "//register",
            "/Register",
            "/sessions/",
            "/token",
            "/mfa",
        ] {
            let answer = client.post(path).await;
            assert_eq!(
                (answer.status.as_u16(), answer.text.as_str()),
                (404, r#"{"detail":"Not Found","code":"not_found"}"#),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn recorded_validation_issues_have_exactly_the_recorded_members() {
    let w = world().await;
    let of = |issue: &str| format!(r#"{{"detail":[{issue}],"code":"validation_error"}}"#);
    let register = |body: &'static str| w.stranger.post_body("/register", JSON, body);
    let login = |body: &'static str| w.stranger.post_body("/login", FORM, body);

    for (answer, issue) in [
        (
            register(r#"{"email":"u@x.com","username":"u"}"#).await,
            r#"{"type":"missing","loc":["body","password"],"msg":"Field required"}"#,
        ),
        (
            register(r#"{"email":"nope","username":"u","password":"correct horse"}"#).await,
            r#"{"type":"value_error","loc":["body","email"],"msg":"value is not a valid email address: An email address must have an @-sign.","ctx":{"reason":"An email address must have an @-sign."}}"#,
        ),
        (
            register(r#"{"email":"u@x.com","username":"u","password":"short"}"#).await,
            r#"{"type":"string_too_short","loc":["body","password"],"msg":"String should have at least 8 characters","ctx":{"min_length":8}}"#,
        ),
        (
            register("{bad").await,
            r#"{"type":"json_invalid","loc":["body",1],"msg":"JSON decode error","ctx":{"error":"Expecting property name enclosed in double quotes"}}"#,
        ),
        (
            register("[]").await,
            r#"{"type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from"}"#,
        ),
        (
            login("username=u&password=p&grant_type=zzz").await,
            r#"{"type":"string_pattern_mismatch","loc":["body","grant_type"],"msg":"String should match pattern '^password$'","ctx":{"pattern":"^password$"}}"#,
        ),
        (
            login("username=u&password=p&remember_me=perhaps").await,
            r#"{"type":"bool_parsing","loc":["body","remember_me"],"msg":"Input should be a valid boolean, unable to interpret input"}"#,
        ),
        (
            w.ada.post("/logout-all?keep_current=perhaps").await,
            r#"{"type":"bool_parsing","loc":["query","keep_current"],"msg":"Input should be a valid boolean, unable to interpret input"}"#,
        ),
    ] {
        assert_eq!((answer.status.as_u16(), answer.text), (422, of(issue)));
    }
    let long = json!({ "email": "u@x.com", "username": "n".repeat(65), "password": PASSWORD });
    let long = w.stranger.post_json("/register", &long).await;
    assert_eq!(
        long.text,
        of(
            r#"{"type":"string_too_long","loc":["body","username"],"msg":"String should have at most 64 characters","ctx":{"max_length":64}}"#
        )
    );
    // A JSON body at the form route is a form without fields.
    let json = w
        .stranger
        .post_body("/login", JSON, r#"{"username":"ada","password":"x"}"#)
        .await;
    assert_eq!(
        json.text,
        of(
            r#"{"type":"missing","loc":["body","username"],"msg":"Field required"},{"type":"missing","loc":["body","password"],"msg":"Field required"}"#
        )
    );
}
