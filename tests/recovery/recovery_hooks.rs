//! What the application is told of recovery: each thing once, after it happened, and from where.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::Method;
use crudauth::auth;
use crudauth::hooks::{
    AccountEvent, EmailChanged, HookResult, Hooks, Origin, PasswordCheck, PasswordSource,
};
use crudauth::mail::MessageKind;
use serde_json::{Value, json};

use crate::mailed;
use crate::mailed::MailApp;
use crate::support::{Answer, JSON, PASSWORD, User};

const NEW: &str = "another fine passphrase";
const FROM: &str = "[192.0.2.1 Spoon/1.0 None None]";

/// Writes down what it is told, and fails if it is to.
#[derive(Debug, Clone, Default)]
pub struct Spy {
    calls: Arc<Mutex<Vec<String>>>,
    fails: bool,
}

impl Spy {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    fn told(&self, what: &str, event: &impl Debug, origin: &Origin) -> HookResult {
        assert!(!format!("{event:?}").contains("argon2"), "{event:?}");
        let from = format!(
            "[{} {} {:?} {:?}]",
            origin.ip.unwrap(),
            origin.user_agent.as_deref().unwrap_or("no agent"),
            origin.transport,
            origin.session_handle
        );
        self.calls.lock().unwrap().push(format!("{what} {from}"));
        if self.fails {
            return Err("the hook failed".into());
        }
        Ok(())
    }
}

impl Hooks<User> for Spy {
    async fn check_password(&self, check: &PasswordCheck<'_>) -> Result<(), String> {
        if check.source != PasswordSource::Reset {
            return Ok(());
        }
        let (email, username) = (check.email, check.username);
        let what = format!("check {email:?} {username:?}");
        self.calls.lock().unwrap().push(what);
        if check.password.expose().contains("leaked") {
            return Err("This password was found in a leak.".to_owned());
        }
        Ok(())
    }

    async fn after_recovery_verified(&self, event: &AccountEvent<i64>) -> HookResult {
        let what = format!("verified {:?}", event.account.email);
        self.told(&what, event, &event.origin)
    }

    async fn after_password_reset(&self, event: &AccountEvent<i64>) -> HookResult {
        let what = format!("reset {:?}", event.account.email);
        self.told(&what, event, &event.origin)
    }

    async fn after_password_changed(&self, event: &AccountEvent<i64>) -> HookResult {
        self.told("changed", event, &event.origin)
    }

    async fn after_email_changed(&self, event: &EmailChanged<i64>) -> HookResult {
        let (account, former) = (&event.account, &event.former);
        let what = format!(
            "moved {} {:?} {former:?} {}",
            account.id, account.email, event.undone
        );
        self.told(&what, event, &event.origin)
    }
}

auth! {
    #[database(sqlite, postgres)]
    #[email(frontend_url = "https://app.example.com")]
    #[hooks(Spy)]
    pub struct Watched<User>;
}

async fn start(fails: bool) -> (MailApp<Watched>, Spy) {
    let spy = Spy {
        calls: Arc::default(),
        fails,
    };
    let app = mailed!(Watched, 5, hooks(spy.clone()));
    let body = json!({ "email": "ada@example.com", "username": "ada", "password": PASSWORD });
    assert_eq!(app.client().post_json("/register", &body).await.status, 202);
    app.auth.run_due().await.unwrap();
    (app, spy)
}

async fn post(app: &MailApp<Watched>, path: &str, body: &Value) -> Answer {
    let client = app.client();
    let request = client
        .request(Method::POST, path)
        .header("content-type", JSON)
        .header("user-agent", "Spoon/1.0");
    let answer = client
        .send(request.body(Body::from(body.to_string())).unwrap())
        .await;
    app.auth.run_due().await.unwrap();
    answer
}

#[tokio::test]
async fn a_proof_is_told_once() {
    let (app, spy) = start(false).await;
    let token = json!({ "token": app.token(MessageKind::VerifyEmail, "ada") });
    assert!(spy.take().is_empty(), "asking is no event");
    assert_eq!(
        post(&app, "/email/verify-confirm", &json!({ "token": "x" }))
            .await
            .status,
        400
    );
    assert_eq!(
        post(&app, "/email/verify-confirm", &token).await.status,
        200
    );
    assert_eq!(
        spy.take(),
        [format!(r#"verified Some("ada@example.com") {FROM}"#)]
    );
    assert_eq!(
        post(&app, "/email/verify-confirm", &token).await.status,
        400
    );
    assert!(spy.take().is_empty());
}

#[tokio::test]
async fn a_reset_is_told_and_the_proof_with_it_if_it_is_the_first() {
    let (app, spy) = start(false).await;
    let check = r#"check Some("ada@example.com") Some("ada")"#;
    for first in [true, false] {
        let address = json!({ "email": "ada@example.com" });
        assert_eq!(
            post(&app, "/password/reset-request", &address).await.status,
            200
        );
        let token = app.token(MessageKind::ResetPassword, "ada");
        let weak = json!({ "token": token, "new_password": "short" });
        assert_eq!(
            post(&app, "/password/reset-confirm", &weak).await.status,
            422
        );
        assert!(spy.take().is_empty());
        let leaked = json!({ "token": token, "new_password": "a leaked fine passphrase" });
        let answer = post(&app, "/password/reset-confirm", &leaked).await;
        assert_eq!(
            answer.json()["detail"][0]["msg"],
            "This password was found in a leak."
        );
        assert_eq!(spy.take(), [check]);
        let password = if first {
            NEW
        } else {
            "a third fine passphrase"
        };
        let body = json!({ "token": token, "new_password": password });
        assert_eq!(
            post(&app, "/password/reset-confirm", &body).await.status,
            200
        );
        let mut wanted = vec![
            check.to_owned(),
            format!(r#"reset Some("ada@example.com") {FROM}"#),
        ];
        wanted.extend(first.then(|| format!(r#"verified Some("ada@example.com") {FROM}"#)));
        assert_eq!(spy.take(), wanted);
        assert_eq!(
            post(&app, "/password/reset-confirm", &body).await.status,
            400
        );
        assert!(spy.take().is_empty());
    }
}

#[tokio::test]
async fn a_move_is_told_with_both_addresses_and_so_is_taking_it_back() {
    let (app, spy) = start(false).await;
    let ada = app.signed_in("ada").await;
    let body = json!({ "new_email": "eve@example.com", "password": PASSWORD });
    assert_eq!(
        ada.post_json("/email/change-request", &body).await.status,
        200
    );
    app.auth.run_due().await.unwrap();
    assert!(spy.take().is_empty());
    let token = json!({ "token": app.token(MessageKind::ChangeEmail, "eve") });
    assert_eq!(
        post(&app, "/email/change-confirm", &token).await.status,
        200
    );
    assert_eq!(
        spy.take(),
        [format!(
            r#"moved 1 Some("eve@example.com") "ada@example.com" false {FROM}"#
        )]
    );
    let token = json!({ "token": app.token(MessageKind::EmailChanged, "ada") });
    assert_eq!(post(&app, "/email/change-undo", &token).await.status, 200);
    assert_eq!(
        spy.take(),
        [format!(
            r#"moved 1 Some("ada@example.com") "eve@example.com" true {FROM}"#
        )]
    );
    assert_eq!(post(&app, "/email/change-undo", &token).await.status, 400);
    assert!(spy.take().is_empty());
}

#[tokio::test]
async fn a_hook_that_fails_undoes_nothing() {
    let (app, spy) = start(true).await;
    let token = json!({ "token": app.token(MessageKind::VerifyEmail, "ada") });
    let answer = post(&app, "/email/verify-confirm", &token).await;
    assert_eq!(answer.text, r#"{"detail":"Verified successfully."}"#);
    assert_eq!(spy.take().len(), 1);
    assert_eq!(
        app.count("SELECT count(*) FROM users WHERE email_verified")
            .await,
        1
    );
}
