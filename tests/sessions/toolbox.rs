//! Sign-ins that the application writes itself, from the library's parts: as safe as `/login` and `/token`.

use std::sync::{Arc, Mutex};

use axum::extract::{Form, State};
use axum::http::Request;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use crudauth::hooks::{
    AccountEvent, HookResult, Hooks, Lockout, LoginFailed, PasswordCheck, PasswordSource,
};
use crudauth::routing::{Router, get, post};
use crudauth::testing::{Clock, TestBuilder};
use crudauth::{
    PasswordOutcome, Principal, Problem, SignedIn, auth, authenticate_password, public,
    refuse_cross_site, require, validate_password,
};
use serde::Deserialize;

use crate::support::{self, Answer, Client, Custom, FORM, PASSWORD, SECRET, User, encode};

auth! {
    #[database(sqlite, postgres)]
    #[hooks(Diary)]
    #[session(management)]
    #[bearer(scopes(default("read"), grantable("read", "reports:read")))]
    pub struct Own<User>;
}

/// Writes down what it is told, and by which transport.
#[derive(Debug, Clone, Default)]
pub struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn note(&self, what: &str, transport: Option<&str>) {
        let line = format!("{what} {}", transport.unwrap_or("-"));
        self.0.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Hooks<User> for Diary {
    async fn after_login(&self, event: &AccountEvent<i64>) -> HookResult {
        self.note("after_login", event.origin.transport);
        Ok(())
    }
    async fn login_failed(&self, event: &LoginFailed<i64>) -> HookResult {
        self.note("login_failed", event.origin.transport);
        Ok(())
    }
    async fn lockout(&self, event: &Lockout<i64>) -> HookResult {
        self.note("lockout", event.origin.transport);
        Ok(())
    }
    async fn check_password(&self, check: &PasswordCheck<'_>) -> Result<(), String> {
        if check.password.expose().contains("leaked") {
            return Err("This password was found in a leak.".to_owned());
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct SignIn {
    who: String,
    password: String,
    scope: Option<String>,
}

async fn prove(
    auth: &Own,
    parts: &Parts,
    transport: &'static str,
    form: &SignIn,
) -> Result<Box<SignedIn<User>>, Problem> {
    refuse_cross_site(auth, parts)?;
    match authenticate_password(auth, parts, transport, &form.who, &form.password).await? {
        PasswordOutcome::SignedIn(signed_in) => Ok(signed_in),
        PasswordOutcome::Locked { retry_after } => Err(Problem::LockedOut { retry_after }),
        _ => Err(Problem::IncorrectCredentials),
    }
}

#[public]
async fn my_login(
    State(auth): State<Own>,
    parts: Parts,
    Form(form): Form<SignIn>,
) -> Result<Response, Problem> {
    let signed_in = prove(&auth, &parts, "session", &form).await?;
    let session = auth.sessions().open(*signed_in, &parts, false).await?;
    let session = session.ok_or(Problem::IncorrectCredentials)?;
    let mut answer = session.csrf_token().to_owned().into_response();
    session.set_cookies(&mut answer);
    Ok(answer)
}

#[public]
async fn my_token(
    State(auth): State<Own>,
    parts: Parts,
    Form(form): Form<SignIn>,
) -> Result<Response, Problem> {
    let signed_in = prove(&auth, &parts, "bearer", &form).await?;
    let tokens = auth
        .tokens()
        .issue(*signed_in, form.scope.as_deref())
        .await?;
    Ok(tokens.ok_or(Problem::IncorrectCredentials)?.into_response())
}

/// Asks for the password and opens nothing.
#[public]
async fn my_check(
    State(auth): State<Own>,
    parts: Parts,
    Form(form): Form<SignIn>,
) -> Result<String, Problem> {
    let signed_in = prove(&auth, &parts, "check", &form).await?;
    Ok(signed_in.user().username.clone())
}

#[require]
async fn dashboard(user: Principal<Own>) -> String {
    format!("{} {}", user.transport(), user.scopes().join(" "))
}

async fn start() -> (Custom<Own>, Diary) {
    let (file, pool) = support::database(5).await;
    let (clock, diary) = (Clock::manual(), Diary::default());
    let auth = Own::builder(pool)
        .secret(SECRET)
        .clock(clock.clone())
        .cheap_hashing()
        .manual_workers()
        .hooks(diary.clone())
        .await
        .unwrap();
    let router = Router::new()
        .route("/my-login", post(my_login))
        .route("/my-token", post(my_token))
        .route("/my-check", post(my_check))
        .route("/dashboard", get(dashboard).post(dashboard))
        .mount(&auth)
        .with_state(auth.clone())
        .into_axum();
    let db = support::pool(&file.url(), 2).await;
    let app = Custom {
        auth,
        clock,
        db,
        router,
        file,
    };
    app.register("ada").await;
    (app, diary)
}

async fn submit(client: &Client, path: &str, password: &str, more: &str) -> Answer {
    let body = format!("who=ada&password={}{more}", encode(password));
    client.post_body(path, FORM, body).await
}

/// Names and attributes of the cookies that an answer sets.
fn cookies(answer: &Answer) -> Vec<String> {
    let all = answer.set_cookies().into_iter().map(|cookie| {
        let (pair, attributes) = cookie.split_once(';').unwrap();
        format!("{}={attributes}", pair.split_once('=').unwrap().0)
    });
    all.collect()
}

#[tokio::test]
async fn a_session_by_ones_own_route_is_that_of_login() {
    let (app, diary) = start().await;
    let theirs = submit_login(&app.client()).await;
    assert_eq!(diary.take(), ["after_login session"]);

    let mut client = app.client();
    let ours = submit(&client, "/my-login", PASSWORD, "").await;
    assert_eq!(ours.status, 200, "{}", ours.text);
    assert_eq!(cookies(&ours), cookies(&theirs));
    assert_eq!(ours.header("cache-control"), Some("no-store"));
    assert_eq!(diary.take(), ["after_login session"]);

    client.keep(&ours);
    assert_eq!(client.get("/dashboard").await.text, "session ");
    assert_eq!(client.post("/dashboard").await.code(), "csrf_missing");
    client.csrf = Some(ours.text);
    assert_eq!(client.post("/dashboard").await.status, 200);

    // Signing in again from the same browser ends the session that it had.
    let before = client.cookies["session_id"].clone();
    client.keep(&submit(&client, "/my-login", PASSWORD, "").await);
    let mut stale = app.client();
    stale.cookies.insert("session_id".to_owned(), before);
    assert_eq!(stale.get("/dashboard").await.status, 401);
    assert_eq!(client.get("/dashboard").await.status, 200);
}

async fn submit_login(client: &Client) -> Answer {
    let body = format!("username=ada&password={}", encode(PASSWORD));
    let answer = client.post_body("/login", FORM, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

#[tokio::test]
async fn tokens_by_ones_own_route_are_those_of_token() {
    let (app, diary) = start().await;
    let body = format!("username=ada&password={}", encode(PASSWORD));
    let theirs = app.client().post_body("/token", FORM, body).await;
    diary.take();

    let mut client = app.client();
    let ours = submit(&client, "/my-token", PASSWORD, "").await;
    assert_eq!(ours.status, 200, "{}", ours.text);
    assert_eq!(cookies(&ours), cookies(&theirs));
    assert_eq!(ours.header("cache-control"), Some("no-store"));
    let names = |answer: &Answer| answer.json().as_object().unwrap().keys().cloned().collect();
    let (own, other): (Vec<_>, Vec<_>) = (names(&ours), names(&theirs));
    assert_eq!(own, other);
    assert_eq!(diary.take(), ["after_login bearer"]);

    for (asked, granted) in [
        ("", "read"),
        ("&scope=", "read"),
        ("&scope=admin+reports%3Aread", "reports:read"),
        ("&scope=admin", ""),
    ] {
        let answer = submit(&app.client(), "/my-token", PASSWORD, asked).await;
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        let request = Request::get("/dashboard")
            .header("authorization", format!("Bearer {token}"))
            .body(axum::body::Body::empty());
        let seen = app.client().send(request.unwrap()).await;
        assert_eq!(seen.text, format!("bearer {granted}"), "{asked}");
    }

    client.keep(&ours);
    let renewed = client.post("/refresh").await;
    assert_eq!(renewed.status, 200, "{}", renewed.text);
}

#[tokio::test]
async fn pages_of_other_sites_sign_nobody_in() {
    let (app, diary) = start().await;
    for path in ["/my-login", "/my-token"] {
        let request = Request::post(path)
            .header("sec-fetch-site", "cross-site")
            .header("content-type", FORM)
            .body(format!("who=ada&password={}", encode(PASSWORD)).into());
        let answer = app.client().send(request.unwrap()).await;
        assert_eq!(answer.code(), "cross_site_login", "{path}");
        assert!(answer.set_cookies().is_empty());
    }
    assert!(diary.take().is_empty());
}

#[tokio::test]
async fn ones_own_routes_share_the_lockout_and_know_the_owners_browser() {
    let (app, diary) = start().await;
    let mut owner = app.client().from("198.51.100.7");
    owner.keep(&submit(&owner, "/my-token", PASSWORD, "").await);
    diary.take();

    let thief = app.client();
    for _ in 0..5 {
        let answer = submit(&thief, "/my-login", "wrong horse battery", "").await;
        assert_eq!(answer.code(), "incorrect_credentials");
    }
    assert_eq!(diary.take(), ["login_failed session"; 5]);
    let locked = submit(&thief, "/my-token", PASSWORD, "").await;
    assert_eq!(
        (locked.status.as_u16(), locked.code().as_str()),
        (429, "locked_out")
    );
    assert!(locked.header("retry-after").is_some());
    assert_eq!(diary.take(), ["lockout bearer"]);

    // From elsewhere the account is locked by every door, and open to the browser that it is signed in by.
    for path in ["/my-login", "/my-token", "/my-check"] {
        let stranger = app.client().from("198.51.100.8");
        assert_eq!(submit(&stranger, path, PASSWORD, "").await.status, 429);
    }
    assert!(owner.cookies.contains_key("device_id"));
    let answer = submit(&owner, "/my-login", PASSWORD, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn a_right_password_that_opens_nothing_counts_nothing() {
    let (app, diary) = start().await;
    let client = app.client();
    for _ in 0..12 {
        let answer = submit(&client, "/my-check", PASSWORD, "").await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "ada"));
        assert!(answer.set_cookies().is_empty());
    }
    assert!(diary.take().is_empty());
    assert_eq!(app.count("SELECT COUNT(*) FROM auth_sessions").await, 0);
}

#[tokio::test]
async fn an_account_disabled_between_proof_and_opening_is_not_signed_in() {
    let (app, _) = start().await;
    let (parts, ()) = Request::post("/").body(()).unwrap().into_parts();
    let proven = async |transport| {
        let outcome = authenticate_password(&app.auth, &parts, transport, "ada", PASSWORD).await;
        let PasswordOutcome::SignedIn(signed_in) = outcome.unwrap() else {
            panic!("refused");
        };
        *signed_in
    };
    let (page, program) = (proven("session").await, proven("bearer").await);
    app.auth.users().disable(&page.user().id).await.unwrap();

    let opened = app.auth.sessions().open(page, &parts, false).await;
    assert!(opened.unwrap().is_none());
    let issued = app.auth.tokens().issue(program, None).await;
    assert!(issued.unwrap().is_none());
}

#[tokio::test]
async fn a_new_password_is_judged_by_the_rules_and_by_the_hook() {
    let (app, _) = start().await;
    let judge = async |password: &str| {
        validate_password(&app.auth, password, PasswordSource::Change, None)
            .await
            .unwrap()
    };
    assert!(judge("another fine passphrase").await.is_empty());
    assert_eq!(judge("short").await.len(), 1);
    assert_eq!(
        judge("a leaked passphrase").await,
        ["This password was found in a leak."]
    );
    assert_eq!(judge(&"x".repeat(1025)).await.len(), 1);
}
