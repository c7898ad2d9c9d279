//! A block that lets nobody in before what the account is recovered by is proven.

use std::sync::{Arc, Mutex};

use crudauth::auth;
use crudauth::hooks::{HookResult, Hooks, LoginFailed, LoginFailure};
use crudauth::mail::MessageKind;
use crudauth::testing::{hashes_done, sign_in};
use serde_json::json;

use crate::mailed;
use crate::mailed::MailApp;
use crate::support::{Answer, Client, PASSWORD, User, fresh_address};

const NEW: &str = "another fine passphrase";

/// Why a sign-in was refused, and to whose account it was.
type Refusal = (LoginFailure, Option<i64>);

/// Every refused sign-in.
#[derive(Debug, Clone, Default)]
pub struct Refusals(Arc<Mutex<Vec<Refusal>>>);

impl Refusals {
    fn take(&self) -> Vec<Refusal> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Hooks<User> for Refusals {
    async fn login_failed(&self, event: &LoginFailed<i64>) -> HookResult {
        let account = event.account.as_ref().map(|account| account.id);
        self.0.lock().unwrap().push((event.reason, account));
        Ok(())
    }
}

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[email(frontend_url = "https://app.example.com", require_verified)]
    #[hooks(Refusals)]
    pub struct Strict<User>;
}

async fn start() -> (MailApp<Strict>, Refusals) {
    let refusals = Refusals::default();
    let app = mailed!(Strict, 5, hooks(refusals.clone()));
    (app, refusals)
}

async fn sign_up(app: &MailApp<Strict>, name: &str) {
    let client = app.client().from(&fresh_address());
    let body =
        json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD });
    assert_eq!(client.post_json("/register", &body).await.status, 202);
    app.auth.run_due().await.unwrap();
}

async fn verify(app: &MailApp<Strict>, name: &str) {
    let body = json!({ "token": app.token(MessageKind::VerifyEmail, name) });
    let answer = app.client().post_json("/email/verify-confirm", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

async fn login(app: &MailApp<Strict>, name: &str, password: &str) -> (Answer, Client) {
    let mut client = app.client().from(&fresh_address());
    let answer = client.login(name, password).await;
    (answer, client)
}

/// Everything about an answer but its request id.
fn bytes(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| *name != "x-request-id" && *name != "date")
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    (answer.status.as_u16(), headers, answer.text.clone())
}

#[tokio::test]
async fn sec_021_who_is_not_proven_is_refused_like_a_stranger() {
    let (app, refusals) = start().await;
    sign_up(&app, "ada").await;
    let id = app
        .auth
        .users()
        .find_by_username("ada")
        .await
        .unwrap()
        .unwrap()
        .id;
    let mut refused = Vec::new();
    for (name, password, told) in [
        ("ada", PASSWORD, (LoginFailure::Unverified, Some(id))),
        (
            "ada@example.com",
            PASSWORD,
            (LoginFailure::Unverified, Some(id)),
        ),
        (
            "ada",
            "wrong password",
            (LoginFailure::InvalidCredentials, Some(id)),
        ),
        ("nobody", PASSWORD, (LoginFailure::InvalidCredentials, None)),
    ] {
        let before = hashes_done(&app.auth);
        let (answer, client) = login(&app, name, password).await;
        assert_eq!(hashes_done(&app.auth) - before, 1, "{name}");
        assert!(client.cookies.is_empty());
        assert_eq!(refusals.take(), [told], "the hook alone is told");
        refused.push(answer);
    }
    for answer in &refused {
        assert_eq!(answer.code(), "incorrect_credentials");
        assert_eq!(bytes(answer), bytes(&refused[0]));
    }
    assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 0);

    verify(&app, "ada").await;
    let (answer, client) = login(&app, "ada", PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(client.get("/me").await.status, 200);
    assert!(refusals.take().is_empty());
}

/// Whoever lost the first message asks for another; nobody has to be signed in for it.
#[tokio::test]
async fn another_link_is_a_request_away() {
    let (app, _) = start().await;
    sign_up(&app, "ada").await;
    drop(app.mail.take());
    let body = json!({ "email": "ada@example.com" });
    assert_eq!(
        app.client()
            .post_json("/email/verify-request", &body)
            .await
            .status,
        200
    );
    app.auth.run_due().await.unwrap();
    verify(&app, "ada").await;
    assert_eq!(login(&app, "ada", PASSWORD).await.0.status, 200);
}

#[tokio::test]
async fn a_reset_by_the_mailbox_proves_it() {
    let (app, _) = start().await;
    sign_up(&app, "ada").await;
    let body = json!({ "email": "ada@example.com" });
    app.client()
        .post_json("/password/reset-request", &body)
        .await;
    app.auth.run_due().await.unwrap();
    let token = app.token(MessageKind::ResetPassword, "ada");
    let body = json!({ "token": token, "new_password": NEW });
    let answer = app
        .client()
        .post_json("/password/reset-confirm", &body)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(login(&app, "ada", NEW).await.0.status, 200);
}

#[tokio::test]
async fn a_session_ends_with_the_proof_and_comes_back_with_it() {
    let (app, _) = start().await;
    sign_up(&app, "ada").await;
    verify(&app, "ada").await;
    let (_, ada) = login(&app, "ada", PASSWORD).await;
    let me = ada.get("/me").await;
    assert_eq!(me.status, 200);
    let id = me.json()["user_id"].as_i64().unwrap();
    app.auth.users().set_verified(&id, false).await.unwrap();

    assert_eq!(ada.get("/me").await.code(), "not_authenticated");
    assert_eq!(ada.post("/logout-all").await.status, 401);
    assert_eq!(login(&app, "ada", PASSWORD).await.0.status, 401);
    assert!(app.auth.users().set_verified(&id, true).await.unwrap());
    assert_eq!(login(&app, "ada", PASSWORD).await.0.status, 200);
}

/// The new address is proven by the link that moves the account to it.
#[tokio::test]
async fn a_change_of_address_shuts_nobody_out() {
    let (app, _) = start().await;
    sign_up(&app, "ada").await;
    verify(&app, "ada").await;
    let (_, ada) = login(&app, "ada", PASSWORD).await;
    let body = json!({ "new_email": "eve@example.com", "password": PASSWORD });
    assert_eq!(
        ada.post_json("/email/change-request", &body).await.status,
        200
    );
    app.auth.run_due().await.unwrap();
    let body = json!({ "token": app.token(MessageKind::ChangeEmail, "eve") });
    assert_eq!(
        app.client()
            .post_json("/email/change-confirm", &body)
            .await
            .status,
        200
    );
    assert_eq!(ada.get("/me").await.json()["email"], "eve@example.com");
    assert_eq!(login(&app, "eve@example.com", PASSWORD).await.0.status, 200);
}

#[tokio::test]
async fn the_application_opens_no_session_for_who_is_not_proven() {
    let (app, _) = start().await;
    sign_up(&app, "ada").await;
    let id = app
        .auth
        .users()
        .find_by_username("ada")
        .await
        .unwrap()
        .unwrap()
        .id;
    if let Ok(signed_in) = sign_in(&app.auth, &id).await {
        let request = app
            .client()
            .request(axum::http::Method::GET, "/me")
            .header("cookie", &signed_in.cookie);
        let answer = app
            .client()
            .send(request.body(axum::body::Body::empty()).unwrap())
            .await;
        assert_eq!(answer.status, 401);
    }
}
