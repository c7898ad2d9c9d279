//! An application with sudo, whose account `ada` proves once more who she is. A test file that uses it declares
//! `#[path = "support/mailed.rs"] mod mailed;` and `#[path = "support/sudo.rs"] mod world;` beside `mod support;`.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "shared by test binaries that each use a part"
)]

use std::sync::Mutex;
use std::time::Duration;

use axum::extract::State;
use axum::http::request::Parts;
use crudauth::hooks::{Elevated, HookResult};
use crudauth::routing::{Router, post};
use crudauth::{Hooks, Principal, auth, require, sudo};
use serde_json::{Value, json};

use crate::mailed;
use crate::mailed::MailApp;
use crate::support::{Answer, Client, PASSWORD, User};

pub const NEW: &str = "another good password";
pub const SECOND: Duration = Duration::from_secs(1);
pub const MINUTE: Duration = Duration::from_mins(1);

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[bearer]
    #[email(frontend_url = "https://app.example.com")]
    #[sudo(route)]
    #[hooks(Told)]
    pub struct Auth<User>;
}

auth! {
    #[database(sqlite, postgres)]
    #[session(rotate_on_change)]
    #[sudo(ttl = "1m", max_attempts = 1, lockout = "1h", route)]
    pub struct Strict<User>;
}

/// What hooks were told, one line each.
#[derive(Debug)]
pub struct Told(pub &'static Mutex<Vec<String>>);

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
pub fn destroy(by: &Principal<Auth>) -> Value {
    json!({ "id": by.id })
}

#[require(sudo(within = "2m", by(password)))]
pub fn destroy_freshly(by: &Principal<Auth>) -> Value {
    destroy(by)
}

#[require(sudo)]
pub async fn danger(user: Principal<Auth>) -> axum::Json<Value> {
    axum::Json(destroy(&user))
}

#[require(sudo(within = "2m", by(password)))]
pub async fn fresh(user: Principal<Auth>) -> axum::Json<Value> {
    destroy(&user);
    axum::Json(destroy_freshly(&user))
}

#[require(superuser, sudo)]
pub async fn purge(user: Principal<Auth>) -> axum::Json<Value> {
    axum::Json(destroy(&user))
}

/// Whoever came by whatever way.
#[require(transport(bearer), sudo)]
pub async fn machine(user: Principal<Auth>) -> axum::Json<Value> {
    axum::Json(destroy(&user))
}

/// A route of the application's own in place of `POST /sudo`.
#[require]
pub async fn by_hand(
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
pub async fn lower(user: Principal<Auth>, State(auth): State<Auth>) -> String {
    let was = auth.sudo().is_elevated(&user).await.unwrap();
    let ended = auth.sudo().drop(&user).await.unwrap();
    let is = auth.sudo().is_elevated(&user).await.unwrap();
    format!("{was} {ended} {is}")
}

#[derive(Debug)]
pub struct World {
    pub app: MailApp<Auth>,
    pub told: &'static Mutex<Vec<String>>,
}

impl World {
    pub async fn start() -> Self {
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

    pub async fn ada(&self) -> Client {
        self.app.signed_in("ada").await
    }

    /// A browser of ada's that has proven itself.
    pub async fn elevated(&self) -> Client {
        let ada = self.ada().await;
        assert_eq!(try_with(&ada, PASSWORD).await.status, 200);
        ada
    }

    pub async fn id(&self) -> i64 {
        let ada = self.app.auth.users().find_by_username("ada").await;
        ada.unwrap().unwrap().id
    }

    pub async fn rows(&self) -> i64 {
        self.app.count("SELECT count(*) FROM auth_elevations").await
    }
}

pub async fn try_with(client: &Client, password: &str) -> Answer {
    client
        .post_json("/sudo", &json!({ "password": password }))
        .await
}

/// Three wrong ones: the budget is spent.
pub async fn lock(client: &Client) {
    for expected in [401, 401, 429] {
        assert_eq!(try_with(client, "wrong").await.status, expected);
    }
}

pub async fn is_elevated(client: &Client) -> bool {
    let answer = client.post("/danger").await;
    if answer.status == 200 {
        return true;
    }
    let text = r#"{"detail":"Re-authentication required.","code":"sudo_required"}"#;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (403, text));
    assert_eq!(answer.header("x-csrf-error"), None);
    false
}

pub fn refusal(answer: &Answer) -> (u16, String, String) {
    let detail = answer.json()["detail"].as_str().unwrap_or("?").to_owned();
    (answer.status.as_u16(), detail, answer.code())
}

pub fn told(status: u16, detail: &str, code: &str) -> (u16, String, String) {
    (status, detail.to_owned(), code.to_owned())
}
