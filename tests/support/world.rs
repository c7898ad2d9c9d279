//! One application with an account, and the sentences of the contract, for the tests of its wire.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    reason = "shared by test binaries that each use a part"
)]

use axum::body::Body;
use axum::http::Method;
use crudauth::testing::TestBuilder;
use crudauth::{AuthUser, PasswordHash, auth};
use serde_json::{Value, json};

use crate::support::{self, Answer, Client, Db, PASSWORD, SECRET, TempDb};

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
    #[database(sqlite, postgres)]
    #[session(management)]
    struct Auth<Account>;
}

auth! {
    #[database(sqlite, postgres)]
    #[session(management, danger_no_csrf)]
    struct NoCsrf<Account>;
}

pub const NEW: &str = "a wholly different one";

/// The sentence of the wire contract for each code; lists of issues are compared where they are produced.
pub fn sentence(code: &str) -> Option<&'static str> {
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
pub struct World {
    pub ada: Client,
    pub stranger: Client,
    pub db: Db,
    pub clock: crudauth::testing::Clock,
    _file: TempDb,
}

pub fn sign_up(name: &str, phone: Option<&str>) -> Value {
    json!({ "email": format!("{name}@x.com"), "username": name, "password": PASSWORD, "phone": phone })
}

pub async fn world() -> World {
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

pub async fn without_csrf() -> World {
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
    pub async fn sql(&self, text: &'static str) {
        self.db.query(text).execute().await;
    }

    pub async fn foreign(&self, path: &str, kind: &str) -> Answer {
        let request = self
            .stranger
            .request(Method::POST, path)
            .header("sec-fetch-site", "cross-site")
            .header("content-type", kind);
        self.stranger
            .send(request.body(Body::empty()).unwrap())
            .await
    }

    pub async fn change(&self, current: &str, new: &str) -> Answer {
        self.ada
            .post_json(
                "/change-password",
                &json!({ "current_password": current, "new_password": new }),
            )
            .await
    }

    pub async fn set(&self, new: &str) -> Answer {
        self.ada
            .post_json("/set-password", &json!({ "new_password": new }))
            .await
    }
}
