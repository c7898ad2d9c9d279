//! Proving once more who one is: the route, the guard, what ends an elevation, and what a thief can do with it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "support/mailed.rs"]
mod mailed;
mod support;

use std::sync::Mutex;
use std::time::Duration;

use axum::extract::State;
use axum::http::Method;
use axum::http::request::Parts;
use crudauth::hooks::{Elevated, HookResult};
use crudauth::routing::{Router, post};
use crudauth::testing::hashes_done;
use crudauth::{Hooks, Principal, auth, require, sudo};
use futures_util::future::join_all;
use mailed::MailApp;
use serde_json::{Value, json};
use support::{Answer, Client, FORM, JSON, PASSWORD, User, fresh_address};

const NEW: &str = "another good password";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[bearer]
    #[email(frontend_url = "https://app.example.com")]
    #[sudo(route)]
    #[hooks(Told)]
    struct Auth<User>;
}

auth! {
    #[database(sqlite, postgres)]
    #[session(rotate_on_change)]
    #[sudo(ttl = "1m", max_attempts = 1, lockout = "1h", route)]
    struct Strict<User>;
}

/// What hooks were told, one line each.
#[derive(Debug)]
struct Told(&'static Mutex<Vec<String>>);

impl Hooks<User> for Told {
    async fn after_sudo(&self, event: &Elevated<i64>) -> HookResult {
        let who = event.account.username.as_deref().unwrap_or_default();
        let from = &event.origin;
        let line = format!(
            "{who} {} {} {:?} {:?} {}",
            event.method,
            event.until - from.at,
            from.ip,
            from.transport,
            from.session_handle.is_some()
        );
        self.0.lock().unwrap().push(line);
        Ok(())
    }
}

/// Demands the proof, wherever it was obtained.
#[require(sudo)]
fn destroy(by: &Principal<Auth>) -> Value {
    json!({ "id": by.id })
}

#[require(sudo(within = "2m", by(password)))]
fn destroy_freshly(by: &Principal<Auth>) -> Value {
    destroy(by)
}

#[require(sudo)]
async fn danger(user: Principal<Auth>) -> axum::Json<Value> {
    axum::Json(destroy(&user))
}

#[require(sudo(within = "2m", by(password)))]
async fn fresh(user: Principal<Auth>) -> axum::Json<Value> {
    destroy(&user);
    axum::Json(destroy_freshly(&user))
}

#[require(superuser, sudo)]
async fn purge(user: Principal<Auth>) -> axum::Json<Value> {
    axum::Json(destroy(&user))
}

/// Whoever came by whatever way.
#[require(transport(bearer), sudo)]
async fn machine(user: Principal<Auth>) -> axum::Json<Value> {
    axum::Json(destroy(&user))
}

/// A route of the application's own in place of `POST /sudo`.
#[require]
async fn by_hand(
    user: Principal<Auth>,
    State(auth): State<Auth>,
    parts: Parts,
    password: String,
) -> String {
    let sudo = auth.sudo().of(&parts);
    match sudo.elevate(&user, &password).await.unwrap() {
        sudo::Elevation::Until(_) => "elevated".to_owned(),
        other => format!("{other:?}"),
    }
}

#[require]
async fn lower(user: Principal<Auth>, State(auth): State<Auth>) -> String {
    let was = auth.sudo().is_elevated(&user).await.unwrap();
    let ended = auth.sudo().drop(&user).await.unwrap();
    let is = auth.sudo().is_elevated(&user).await.unwrap();
    format!("{was} {ended} {is}")
}

struct World {
    app: MailApp<Auth>,
    told: &'static Mutex<Vec<String>>,
}

impl World {
    async fn start() -> Self {
        let told: &'static Mutex<Vec<String>> = Box::leak(Box::default());
        let mut app = mailed!(Auth, 5, hooks(Told(told)));
        app.app.router = Router::new()
            .route("/danger", post(danger))
            .route("/fresh", post(fresh))
            .route("/machine", post(machine))
            .route("/purge", post(purge))
            .route("/by-hand", post(by_hand))
            .route("/lower", post(lower))
            .mount(&app.auth)
            .with_state(app.auth.clone())
            .into_axum();
        app.verified("ada").await;
        Self { app, told }
    }

    async fn ada(&self) -> Client {
        self.app.signed_in("ada").await
    }

    /// A browser of ada's that has proven itself.
    async fn elevated(&self) -> Client {
        let ada = self.ada().await;
        assert_eq!(try_with(&ada, PASSWORD).await.status, 200);
        ada
    }

    async fn id(&self) -> i64 {
        let ada = self.app.auth.users().find_by_username("ada").await;
        ada.unwrap().unwrap().id
    }

    async fn rows(&self) -> i64 {
        self.app.count("SELECT count(*) FROM auth_elevations").await
    }
}

async fn try_with(client: &Client, password: &str) -> Answer {
    client
        .post_json("/sudo", &json!({ "password": password }))
        .await
}

/// Three wrong ones: the budget is spent.
async fn lock(client: &Client) {
    for expected in [401, 401, 429] {
        assert_eq!(try_with(client, "wrong").await.status, expected);
    }
}

async fn is_elevated(client: &Client) -> bool {
    let answer = client.post("/danger").await;
    if answer.status == 200 {
        return true;
    }
    let text = r#"{"detail":"Re-authentication required.","code":"sudo_required"}"#;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (403, text));
    assert_eq!(answer.header("x-csrf-error"), None);
    false
}

fn refusal(answer: &Answer) -> (u16, String, String) {
    let detail = answer.json()["detail"].as_str().unwrap_or("?").to_owned();
    (answer.status.as_u16(), detail, answer.code())
}

fn told(status: u16, detail: &str, code: &str) -> (u16, String, String) {
    (status, detail.to_owned(), code.to_owned())
}

#[tokio::test]
async fn the_password_elevates_the_session_until_an_instant_and_the_guard_passes() {
    let w = World::start().await;
    let ada = w.ada().await;
    assert!(!is_elevated(&ada).await, "a fresh sign-in is no elevation");
    let answer = try_with(&ada, PASSWORD).await;
    let until = w.app.clock.now().plus(Duration::from_mins(5)).to_rfc3339();
    assert_eq!(answer.text, format!(r#"{{"elevated_until":"{until}"}}"#));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.set_cookies().is_empty(), "the session keeps its id");
    assert!(is_elevated(&ada).await, "and its CSRF token");
    let told = w.told.lock().unwrap().clone();
    let line = r#"ada password 5m Some(192.0.2.1) Some("session") true"#;
    assert_eq!(told, [line]);
}

#[tokio::test]
async fn the_third_wrong_proof_locks_every_session_of_the_account_and_ends_its_elevations() {
    let w = World::start().await;
    let (ada, other) = (w.elevated().await, w.elevated().await);
    let wrong = told(401, "Incorrect password", "sudo_password_incorrect");
    assert_eq!(refusal(&try_with(&ada, "wrong").await), wrong);
    let long = "x".repeat(2000);
    assert_eq!(refusal(&try_with(&ada, &long).await), wrong);
    assert!(is_elevated(&ada).await, "two wrong ones end nothing");
    let third = try_with(&ada, "wrong").await;
    let locked = told(429, "Too many attempts. Try again later.", "sudo_locked");
    assert_eq!(refusal(&third), locked);
    assert_eq!(third.header("retry-after"), Some("900"));
    for browser in [&ada, &other] {
        assert!(!is_elevated(browser).await);
        assert_eq!(refusal(&try_with(browser, PASSWORD).await), locked);
    }
    w.app.clock.advance(Duration::from_secs(899));
    let late = try_with(&other, PASSWORD).await;
    assert_eq!(refusal(&late), locked);
    assert_eq!(late.header("retry-after"), Some("1"), "no try prolongs it");
    w.app.clock.advance(SECOND);
    assert_eq!(try_with(&other, PASSWORD).await.status, 200);
    assert!(is_elevated(&other).await && !is_elevated(&ada).await);
}

#[tokio::test]
async fn a_right_proof_clears_the_wrong_ones() {
    let w = World::start().await;
    let ada = w.ada().await;
    for _ in 0..3 {
        assert_eq!(try_with(&ada, "wrong").await.status, 401);
        assert_eq!(try_with(&ada, "wrong").await.status, 401);
        assert_eq!(try_with(&ada, PASSWORD).await.status, 200);
    }
    assert_eq!(
        w.app
            .count("SELECT count(*) FROM auth_attempts WHERE run > 0")
            .await,
        1,
        "but the account's run is ended by signing in alone"
    );
}

#[tokio::test]
async fn a_body_shows_one_proof_and_a_code_is_none_yet() {
    let w = World::start().await;
    let ada = w.ada().await;
    for body in [
        json!({}),
        json!({ "password": null }),
        json!({ "password": 5 }),
        json!({ "code": ["1"] }),
        json!({ "password": PASSWORD, "code": "123456" }),
    ] {
        let answer = ada.post_json("/sudo", &body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (422, "validation_error"),
            "{body}"
        );
    }
    assert_eq!(ada.post("/sudo").await.status, 422);
    let body = json!({ "password": PASSWORD, "code": null });
    assert_eq!(ada.post_json("/sudo", &body).await.status, 200);
    let code = json!({ "code": "123456" });
    let answers = [
        ada.post_json("/sudo", &code).await,
        ada.post_json("/sudo", &code).await,
        ada.post_json("/sudo", &code).await,
    ];
    assert_eq!(
        refusal(&answers[0]),
        told(401, "Invalid code", "invalid_code")
    );
    assert_eq!(
        answers.map(|answer| answer.status.as_u16()),
        [401, 401, 429]
    );
}

#[tokio::test]
async fn only_the_sessions_own_pages_may_try() {
    let w = World::start().await;
    let mut ada = w.ada().await;
    ada.csrf = None;
    let missing = try_with(&ada, PASSWORD).await;
    assert_eq!(refusal(&missing).2, "csrf_missing");
    assert_eq!(missing.header("x-csrf-error"), Some("true"));
    let nobody = w.app.client();
    let answer = try_with(&nobody, PASSWORD).await;
    assert_eq!(refusal(&answer).2, "not_authenticated");
    assert_eq!(w.rows().await, 0);
}

#[tokio::test]
async fn sec_123_an_access_token_is_never_elevated() {
    let w = World::start().await;
    let ada = w.elevated().await;
    let form = format!("username=ada&password={}", support::encode(PASSWORD));
    let issued = w.app.client().post_body("/token", FORM, form).await;
    let bearer = format!("Bearer {}", issued.json()["access_token"].as_str().unwrap());
    let send = async |client: &Client, path: &str| {
        let request = client
            .request(Method::POST, path)
            .header("authorization", &bearer)
            .header("content-type", JSON);
        let body = json!({ "password": PASSWORD }).to_string();
        client.send(request.body(body.into()).unwrap()).await
    };
    let nobody = w.app.client();
    let answer = send(&nobody, "/sudo").await;
    let text = "Sudo requires a session-backed login.";
    assert_eq!(refusal(&answer), told(403, text, "session_required"));
    assert_eq!(send(&nobody, "/danger").await.code(), "sudo_required");
    assert_eq!(send(&nobody, "/by-hand").await.text, "NoSession");
    assert_eq!(send(&nobody, "/lower").await.text, "false false false");
    // Beside a session that is elevated it is still the token that is asked for here, and the session there.
    assert_eq!(send(&ada, "/machine").await.code(), "sudo_required");
    assert_eq!(send(&ada, "/danger").await.status, 200);
}

#[tokio::test]
async fn the_guard_stands_behind_superuser_and_before_the_body() {
    let w = World::start().await;
    let ada = w.ada().await;
    let code = async |client: &Client| client.post("/purge").await.code();
    assert_eq!(code(&ada).await, "insufficient_privileges");
    let id = w.id().await;
    assert!(w.app.auth.users().grant_superuser(&id).await.unwrap());
    assert_eq!(code(&ada).await, "sudo_required");
    assert_eq!(try_with(&ada, PASSWORD).await.status, 200);
    assert_eq!(ada.post("/purge").await.status, 200);
}

#[tokio::test]
async fn sec_122_an_elevation_ends_at_its_instant_whatever_the_session_does() {
    let w = World::start().await;
    let ada = w.elevated().await;
    for _ in 0..4 {
        w.app.clock.advance(MINUTE);
        assert!(is_elevated(&ada).await);
        assert_eq!(ada.get("/me").await.status, 200);
    }
    w.app.clock.advance(MINUTE - SECOND);
    assert!(is_elevated(&ada).await);
    w.app.clock.advance(SECOND);
    assert!(!is_elevated(&ada).await);
    assert_eq!(ada.get("/me").await.status, 200, "the session lives on");
    let back = w.app.clock.now().minus(Duration::from_mins(3));
    w.app.clock.set(back);
    assert!(!is_elevated(&ada).await, "an end is an end");
}

#[tokio::test]
async fn sec_122_of_fifty_wrong_proofs_at_once_from_several_sessions_three_are_looked_at() {
    let w = World::start().await;
    let browsers = join_all((0..5).map(|_| w.ada())).await;
    let before = hashes_done(&w.app.auth);
    let guesses = (0..50).map(|n| try_with(&browsers[n % 5], "wrong"));
    let answers = join_all(guesses).await;
    let count = |status: u16| answers.iter().filter(|a| a.status == status).count();
    assert_eq!((count(401), count(429)), (2, 48));
    assert_eq!(hashes_done(&w.app.auth) - before, 3);
    let run = "SELECT count(*) FROM auth_attempts WHERE run = 3";
    assert_eq!(
        w.app.count(run).await,
        1,
        "they count towards the hard stop"
    );
}

#[tokio::test]
async fn sec_035_a_thief_who_spends_the_budget_of_sudo_locks_nobody_out() {
    let w = World::start().await;
    let thief = w.ada().await;
    lock(&thief).await;
    for _ in 0..20 {
        assert_eq!(try_with(&thief, "wrong").await.status, 429);
    }
    let mut owner = w.app.client().from(&fresh_address());
    assert_eq!(owner.login("ada", PASSWORD).await.status, 200);
    let body = json!({ "current_password": PASSWORD, "new_password": NEW });
    let changed = owner.post_json("/change-password", &body).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(thief.get("/me").await.status, 401);
}

#[tokio::test]
async fn sec_035_a_locked_sign_in_does_not_lock_sudo() {
    let w = World::start().await;
    let ada = w.ada().await;
    let mut thief = w.app.client().from(&fresh_address());
    for _ in 0..5 {
        assert_eq!(thief.login("ada", "wrong").await.status, 401);
    }
    assert_eq!(thief.login("ada", PASSWORD).await.status, 429);
    assert_eq!(try_with(&ada, PASSWORD).await.status, 200);
    assert!(is_elevated(&ada).await);
}

#[tokio::test]
async fn the_elevation_of_one_session_says_nothing_about_another() {
    let w = World::start().await;
    let (phone, laptop) = (w.elevated().await, w.ada().await);
    assert!(is_elevated(&phone).await && !is_elevated(&laptop).await);
    w.app.clock.advance(MINUTE);
    assert_eq!(try_with(&laptop, PASSWORD).await.status, 200);
    w.app.clock.advance(Duration::from_mins(4));
    assert!(!is_elevated(&phone).await && is_elevated(&laptop).await);
}

#[tokio::test]
async fn a_proof_can_be_asked_for_that_is_fresher_than_the_elevation() {
    let w = World::start().await;
    let ada = w.elevated().await;
    w.app.clock.advance(MINUTE * 2 - SECOND);
    assert_eq!(ada.post("/fresh").await.status, 200);
    w.app.clock.advance(SECOND);
    assert_eq!(ada.post("/fresh").await.code(), "sudo_required");
    assert!(is_elevated(&ada).await);
    assert_eq!(try_with(&ada, PASSWORD).await.status, 200);
    assert_eq!(ada.post("/fresh").await.status, 200);
    // What another way has proven is a proof, and not by the password.
    let other = "UPDATE auth_elevations SET method = 'telepathy'";
    w.app.db.run(other).await;
    assert_eq!(ada.post("/fresh").await.code(), "sudo_required");
}

#[tokio::test]
async fn sec_122_what_ends_a_session_or_changes_its_password_ends_its_elevation() {
    let w = World::start().await;
    let gone = async |what: &str| assert_eq!(w.rows().await, 0, "{what}");

    let ada = w.elevated().await;
    assert_eq!(ada.post("/logout").await.status, 200);
    gone("signing out").await;
    assert!(!is_elevated(&w.ada().await).await);

    let (ada, other) = (w.elevated().await, w.ada().await);
    let listed = other.get("/sessions").await.json();
    for one in listed.as_array().unwrap() {
        if one["current"] == false {
            let path = format!("/sessions/{}", one["id"].as_str().unwrap());
            assert_eq!(other.delete(&path).await.status, 200);
        }
    }
    gone("revoking it from another").await;
    assert_eq!(ada.post("/danger").await.status, 401);

    let (ada, other) = (w.elevated().await, w.elevated().await);
    let answer = ada.post("/logout-all?keep_current=true").await;
    assert_eq!(answer.status, 200);
    assert_eq!(w.rows().await, 1, "the kept session's stays");
    assert!(is_elevated(&ada).await);
    assert_eq!(other.post("/danger").await.status, 401);

    let body = json!({ "current_password": PASSWORD, "new_password": NEW });
    let changed = ada.post_json("/change-password", &body).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    gone("a new password").await;
    assert!(!is_elevated(&ada).await, "the kept session's too");

    assert_eq!(try_with(&ada, NEW).await.status, 200);
    let token = w.app.reset_token("ada").await;
    assert_eq!(w.app.reset(&token, PASSWORD).await.status, 200);
    gone("a reset").await;

    w.elevated().await;
    let id = w.id().await;
    assert_eq!(w.app.auth.sessions().revoke_all(&id).await.unwrap(), 1);
    gone("ending all").await;

    w.elevated().await;
    assert!(w.app.auth.users().disable(&id).await.unwrap());
    gone("disabling the account").await;
    assert!(w.app.auth.users().enable(&id).await.unwrap());

    w.elevated().await;
    assert!(w.app.auth.users().delete(&id).await.unwrap());
    gone("deleting the account").await;
}

#[tokio::test]
async fn sec_122_a_session_with_a_new_id_is_not_elevated() {
    let app = custom!(Strict);
    app.register("ada").await;
    let mut ada = app.signed_in("ada").await;
    assert_eq!(try_with(&ada, PASSWORD).await.status, 200);
    let body = json!({ "current_password": PASSWORD, "new_password": NEW });
    let changed = ada.post_json("/change-password", &body).await;
    ada.keep(&changed);
    assert_eq!(ada.get("/me").await.status, 200);
    assert_eq!(app.count("SELECT count(*) FROM auth_elevations").await, 0);
}

#[tokio::test]
async fn the_block_says_how_long_how_often_and_for_how_long_not() {
    let app = custom!(Strict);
    app.register("ada").await;
    let ada = app.signed_in("ada").await;
    let first = try_with(&ada, "wrong").await;
    assert_eq!(first.status, 429, "one try");
    assert_eq!(first.header("retry-after"), Some("3600"));
    app.clock.advance(Duration::from_mins(20));
    let ada = app.signed_in("ada").await;
    assert_eq!(
        try_with(&ada, PASSWORD).await.header("retry-after"),
        Some("2400")
    );
    app.clock.advance(Duration::from_mins(40));
    let ada = app.signed_in("ada").await;
    assert_eq!(try_with(&ada, PASSWORD).await.status, 200);
    app.clock.advance(MINUTE);
    assert_eq!(app.count("SELECT count(*) FROM auth_elevations").await, 1);
    assert!(app.auth.sessions().sweep().await.unwrap() > 0);
    assert_eq!(app.count("SELECT count(*) FROM auth_elevations").await, 0);
}

#[tokio::test]
async fn a_route_of_the_applications_own_elevates_and_lowers() {
    let w = World::start().await;
    let ada = w.ada().await;
    let by_hand = async |password: &'static str| {
        let answer = ada.post_body("/by-hand", "text/plain", password).await;
        answer.text
    };
    assert_eq!(by_hand("wrong").await, "Wrong");
    assert_eq!(by_hand(PASSWORD).await, "elevated");
    assert!(is_elevated(&ada).await);
    assert_eq!(ada.post("/lower").await.text, "true true false");
    assert_eq!(ada.post("/lower").await.text, "false false false");
    assert!(!is_elevated(&ada).await);
    assert_eq!(by_hand("wrong").await, "Wrong");
    assert_eq!(by_hand("wrong").await, "Wrong");
    assert_eq!(by_hand("wrong").await, "Locked(900)");
    assert_eq!(by_hand(PASSWORD).await, "Locked(900)");
}

#[tokio::test]
async fn a_guard_that_cannot_ask_lets_nobody_pass() {
    let w = World::start().await;
    let ada = w.elevated().await;
    w.app
        .db
        .run("ALTER TABLE auth_elevations RENAME TO elsewhere")
        .await;
    assert!(ada.post("/danger").await.status.is_server_error());
    assert_eq!(ada.get("/me").await.status, 200, "nobody else asks");
    w.app
        .db
        .run("ALTER TABLE elsewhere RENAME TO auth_elevations")
        .await;
    assert!(is_elevated(&ada).await);
}
