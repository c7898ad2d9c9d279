//! What `#[require]` lets through, in which order it asks, and what it proves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::extract::{FromRef, State};
use axum::http::{Method, StatusCode};
use crudauth::routing::{Router, get, post};
use crudauth::{Gate, Principal, Verdict, public, require};

use crate::support::{self, Answer, Auth, Client, TestApp};

/// The application's own state, of which the authority is a part.
#[derive(Clone)]
struct App {
    auth: Auth,
    checks: Arc<AtomicUsize>,
}

impl FromRef<App> for Auth {
    fn from_ref(app: &App) -> Self {
        app.auth.clone()
    }
}

fn named_ada(principal: &Principal<Auth>) -> bool {
    principal.username == "ada"
}

async fn named_bob(principal: &Principal<Auth>) -> bool {
    tokio::task::yield_now().await;
    principal.username == "bob"
}

async fn teapot(principal: &Principal<Auth>) -> Result<(), (StatusCode, &'static str)> {
    tokio::task::yield_now().await;
    if principal.is_superuser() {
        Ok(())
    } else {
        Err((StatusCode::IM_A_TEAPOT, "short and stout"))
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "`check` takes functions that can fail"
)]
fn on_free_plan(principal: &Principal<Auth>) -> Result<bool, StatusCode> {
    Ok(principal.plan == "free")
}

static CHECKED: AtomicUsize = AtomicUsize::new(0);

fn counted(_: &Principal<Auth>) -> bool {
    CHECKED.fetch_add(1, Ordering::SeqCst);
    true
}

mod gates {
    use super::*;

    pub(crate) struct Named<const LETTERS: usize>;

    impl<const LETTERS: usize> Gate<Auth> for Named<LETTERS> {
        async fn check(principal: &Principal<Auth>) -> Verdict {
            Verdict::from(principal.username.len() == LETTERS)
        }
    }

    pub(crate) struct Elsewhere;

    impl Gate<Auth> for Elsewhere {
        async fn check(_: &Principal<Auth>) -> Verdict {
            Verdict::from(Err::<(), _>(axum::response::Redirect::to("/elsewhere")))
        }
    }
}

#[require]
async fn signed_in(user: Principal<Auth>) -> String {
    user.username.clone()
}

#[require(check(named_ada))]
async fn ada(user: Principal<Auth>) -> String {
    user.username.clone()
}

#[require(check(named_bob))]
async fn bob(user: Principal<Auth>) -> String {
    user.username.clone()
}

#[require(check(teapot))]
async fn tea(user: Principal<Auth>) -> String {
    user.username.clone()
}

#[require(check(on_free_plan))]
async fn free(user: Principal<Auth>) -> String {
    user.username.clone()
}

#[require(gates::Named<3>)]
async fn three_letters(user: Principal<Auth>) -> String {
    user.username.clone()
}

#[require(gates::Elsewhere)]
async fn elsewhere(user: Principal<Auth>) -> String {
    user.username.clone()
}

#[require(transport(session))]
async fn by_session(user: Principal<Auth>) -> String {
    user.transport().to_owned()
}

#[require(check(counted), verified, superuser)]
async fn everything(user: Principal<Auth>, State(app): State<App>) -> String {
    app.checks.fetch_add(1, Ordering::SeqCst);
    removed_by(&user).await + &described(&user)
}

/// By reference a proof is demanded: whoever calls this has passed `superuser`.
#[require(superuser)]
async fn removed_by(by: &Principal<Auth>) -> String {
    tokio::task::yield_now().await;
    format!("removed by {}", name_of(by))
}

#[require(verified, superuser)]
fn described(user: &Principal<Auth>) -> String {
    format!(", {}", user.email)
}

#[require]
fn name_of(user: &Principal<Auth>) -> String {
    user.username.clone()
}

#[require(auth(Auth), verified)]
async fn nobody_in_particular() -> &'static str {
    "verified"
}

#[public]
async fn home() -> &'static str {
    "home"
}

async fn greeting(user: Option<Principal<Auth>>) -> String {
    user.map_or_else(|| "stranger".to_owned(), |user| user.username.clone())
}

fn app(auth: &Auth) -> (axum::Router, Arc<AtomicUsize>) {
    let state = App {
        auth: auth.clone(),
        checks: Arc::default(),
    };
    let checks = Arc::clone(&state.checks);
    let router = Router::new()
        .route("/", get(home))
        .route("/greeting", get(greeting).post(greeting))
        .route("/signed-in", get(signed_in).post(signed_in))
        .route("/ada", get(ada))
        .route("/bob", get(bob))
        .route("/tea", get(tea))
        .route("/free", get(free))
        .route("/three", get(three_letters))
        .route("/elsewhere", get(elsewhere))
        .route("/session", get(by_session))
        .route("/everything", post(everything))
        .route("/hidden", get(nobody_in_particular))
        .mount(auth)
        .with_state(state)
        .into_axum();
    (router, checks)
}

/// `ada`, signed in to the application above.
async fn start() -> (TestApp, Client, i64) {
    let test = TestApp::start().await;
    let id = test.register("ada").await;
    let mut client = Client::new(app(&test.auth).0);
    client.login("ada", support::PASSWORD).await;
    (test, client, id)
}

fn refusal(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), &answer.text)
}

const NOBODY: (u16, &str) = (
    401,
    r#"{"detail":"Not authenticated","code":"not_authenticated"}"#,
);
const DENIED: (u16, &str) = (403, r#"{"detail":"Access denied","code":"access_denied"}"#);
const NO_SUPERUSER: (u16, &str) = (
    403,
    r#"{"detail":"Insufficient privileges","code":"insufficient_privileges"}"#,
);
const NOT_VERIFIED: (u16, &str) = (
    403,
    r#"{"detail":"Recovery factor not verified","code":"not_verified"}"#,
);

#[tokio::test]
async fn every_form_of_guard_refuses_a_stranger_with_401() {
    let (test, _, _) = start().await;
    let stranger = Client::new(app(&test.auth).0);
    for path in [
        "/signed-in",
        "/ada",
        "/bob",
        "/tea",
        "/free",
        "/three",
        "/elsewhere",
        "/session",
        "/hidden",
    ] {
        assert_eq!(refusal(&stranger.get(path).await), NOBODY, "{path}");
    }
    assert_eq!(refusal(&stranger.post("/everything").await), NOBODY);
    assert_eq!(stranger.get("/").await.text, "home");
    assert_eq!(stranger.get("/greeting").await.text, "stranger");
}

#[tokio::test]
async fn a_checking_function_decides_in_time_or_at_once() {
    let (_test, client, _) = start().await;
    assert_eq!(client.get("/ada").await.text, "ada");
    assert_eq!(refusal(&client.get("/bob").await), DENIED);
    assert_eq!(client.get("/free").await.text, "ada");
    assert_eq!(client.get("/session").await.text, "session");
}

#[tokio::test]
async fn a_check_or_a_gate_may_give_its_own_answer() {
    let (_test, client, _) = start().await;
    assert_eq!(refusal(&client.get("/tea").await), (418, "short and stout"));
    let answer = client.get("/elsewhere").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (303, Some("/elsewhere"))
    );
}

#[tokio::test]
async fn a_gate_of_the_application_lets_through_whom_it_wants() {
    let (test, client, _) = start().await;
    assert_eq!(client.get("/three").await.text, "ada");
    test.register("grace").await;
    let mut grace = Client::new(app(&test.auth).0);
    grace.login("grace", support::PASSWORD).await;
    assert_eq!(refusal(&grace.get("/three").await), DENIED);
}

#[tokio::test]
async fn guards_are_asked_in_the_contracts_order() {
    let (test, client, id) = start().await;
    let users = test.auth.users();
    let mut without = client.clone();
    without.csrf = None;
    let mut dead = without.clone();
    dead.cookies.insert("session_id".to_owned(), "A".repeat(43));

    assert_eq!(
        refusal(&dead.post("/everything").await),
        NOBODY,
        "who, before all else"
    );
    assert_eq!(
        without.post("/everything").await.code(),
        "csrf_missing",
        "the token next"
    );
    assert_eq!(refusal(&client.post("/everything").await), NO_SUPERUSER);
    users.set_verified(&id, true).await.unwrap();
    assert_eq!(refusal(&client.post("/everything").await), NO_SUPERUSER);
    users.grant_superuser(&id).await.unwrap();
    users.set_verified(&id, false).await.unwrap();
    assert_eq!(refusal(&client.post("/everything").await), NOT_VERIFIED);
    assert_eq!(
        CHECKED.load(Ordering::SeqCst),
        0,
        "the check was asked before the others had passed"
    );
    users.set_verified(&id, true).await.unwrap();
    assert_eq!(
        client.post("/everything").await.text,
        "removed by ada, ada@example.com"
    );
    assert_eq!(CHECKED.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_guard_without_a_principal_guards_all_the_same() {
    let (test, client, id) = start().await;
    assert_eq!(refusal(&client.get("/hidden").await), NOT_VERIFIED);
    test.auth.users().set_verified(&id, true).await.unwrap();
    assert_eq!(client.get("/hidden").await.text, "verified");
}

#[tokio::test]
async fn an_optional_principal_is_none_for_a_dead_session_and_refused_for_a_forged_request() {
    let (test, client, id) = start().await;
    assert_eq!(client.get("/greeting").await.text, "ada");
    let mut forged = client.clone();
    forged.csrf = None;
    assert_eq!(forged.post("/greeting").await.code(), "csrf_missing");
    assert_eq!(client.post("/greeting").await.text, "ada");
    test.auth.users().disable(&id).await.unwrap();
    assert_eq!(client.get("/greeting").await.text, "stranger");
    assert_eq!(
        forged.post("/greeting").await.text,
        "stranger",
        "no session, nothing to forge"
    );
}

#[tokio::test]
async fn sec_124_a_handler_without_its_router_and_layers_is_still_guarded() {
    let (test, client, _) = start().await;
    let state = App {
        auth: test.auth.clone(),
        checks: Arc::default(),
    };
    let request = || {
        client
            .request(Method::POST, "/")
            .body(Body::empty())
            .unwrap()
    };
    let stranger = || axum::http::Request::new(Body::empty());

    let direct = axum::handler::Handler::call(everything, stranger(), state.clone()).await;
    let guarded = axum::handler::Handler::call(everything, request(), state.clone()).await;
    let plain: axum::Router = axum::Router::new()
        .route("/", axum::routing::any(everything))
        .with_state(state.clone());

    assert_eq!(direct.status(), 401);
    assert_eq!(guarded.status(), 403);
    for method in [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
    ] {
        let request = axum::http::Request::builder()
            .method(method)
            .body(Body::empty())
            .unwrap();
        assert_eq!(Client::new(plain.clone()).send(request).await.status, 401);
    }
    assert_eq!(
        state.checks.load(Ordering::SeqCst),
        0,
        "the body of the handler never ran"
    );
}

#[tokio::test]
async fn a_handler_is_tested_with_a_principal_made_for_it() {
    let (test, _, id) = start().await;
    let user = test.auth.users().find(&id).await.unwrap().unwrap();
    let state = App {
        auth: test.auth.clone(),
        checks: Arc::default(),
    };
    let said = everything(crudauth::testing::principal(user), State(state)).await;
    assert_eq!(said, "removed by ada, ada@example.com");
}

#[tokio::test]
async fn a_browser_is_signed_in_without_a_password() {
    let (test, mut client, id) = start().await;
    let signed_in = crudauth::testing::sign_in(&test.auth, &id).await.unwrap();
    client.cookies.clear();
    client.csrf = Some(signed_in.csrf_token.clone());
    let request = client
        .request(Method::POST, "/signed-in")
        .header("cookie", &signed_in.cookie);
    assert_eq!(
        client.send(request.body(Body::empty()).unwrap()).await.text,
        "ada"
    );
    assert!(
        crudauth::testing::sign_in(&test.auth, &(id + 1))
            .await
            .is_err(),
        "there is no such account"
    );
    assert!(!format!("{signed_in:?}").contains(&signed_in.csrf_token));
}
