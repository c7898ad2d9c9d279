//! Accounts that an attacker has prepared, and accounts that strangers lock: the mailbox decides whose they are.
//!
//! The scripts are those of "Pre-hijacked accounts" (Sudhodanan & Paverd, 2022), §3, as far as there are passwords and
//! addresses only.

use crudauth::mail::MessageKind;
use serde_json::json;

use crate::mailed::{MailApp, MailAuth, mail_app};
use crate::support::{Client, PASSWORD, fresh_address};

/// The victim's own.
const NEW: &str = "the words of the owner";

/// What an attacker holds who has registered the victim's address.
struct Trap {
    session: Client,
    /// To the attacker's own mailbox.
    change: String,
}

/// The attacker knows [`PASSWORD`], and has confirmed nothing: the mailbox is the victim's.
async fn trap(app: &MailApp<MailAuth>) -> Trap {
    app.sign_up("victim").await;
    let session = app.signed_in("victim").await;
    app.move_to(&session, "mallory").await;
    let change = app.token(MessageKind::ChangeEmail, "mallory");
    Trap { session, change }
}

/// The victim finds that there is an account already, and gets into it by way of the mailbox.
async fn reset(app: &MailApp<MailAuth>) {
    let token = app.reset_token("victim").await;
    let answer = app.reset(&token, NEW).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    app.deliver().await;
}

/// The account is the victim's, and nobody else's.
async fn is_the_victims(app: &MailApp<MailAuth>) {
    let mut victim = app.client().from(&fresh_address());
    let answer = victim.login("victim@example.com", NEW).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let me = victim.get("/me").await.json();
    assert_eq!(me["email"], "victim@example.com");
    assert_eq!(
        victim.get("/billing").await.status,
        200,
        "the address is proven"
    );
    let sessions = victim.get("/sessions").await.json();
    assert_eq!(sessions.as_array().unwrap().len(), 1, "{sessions}");
    let mut attacker = app.client().from(&fresh_address());
    for name in ["victim", "victim@example.com", "mallory@example.com"] {
        assert_eq!(attacker.login(name, PASSWORD).await.status, 401, "{name}");
    }
}

#[tokio::test]
async fn sec_106_the_password_that_an_attacker_set_is_gone() {
    let app = mail_app().await;
    app.sign_up("victim").await;
    reset(&app).await;
    is_the_victims(&app).await;
}

#[tokio::test]
async fn sec_106_the_session_that_an_attacker_kept_is_over() {
    let app = mail_app().await;
    let trap = trap(&app).await;
    // Kept alive until the victim comes.
    for _ in 0..10 {
        app.clock.advance(std::time::Duration::from_mins(20));
        assert_eq!(trap.session.get("/me").await.status, 200);
    }
    reset(&app).await;
    // Its row is gone, too: an account table without an epoch has nothing else that ends a session.
    assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 0);
    assert_eq!(trap.session.get("/me").await.status, 401);
    assert_eq!(trap.session.post("/csrf/refresh").await.status, 401);
    is_the_victims(&app).await;
}

#[tokio::test]
async fn sec_106_the_change_of_address_that_an_attacker_asked_for_is_void() {
    let app = mail_app().await;
    let trap = trap(&app).await;
    reset(&app).await;
    let answer = app.confirm("/email/change-confirm", &trap.change).await;
    assert_eq!(answer.code(), "link_dead");
    is_the_victims(&app).await;
}

#[tokio::test]
async fn sec_106_a_change_that_was_asked_for_and_not_mailed_yet_is_never_mailed() {
    let app = mail_app().await;
    app.sign_up("victim").await;
    let session = app.signed_in("victim").await;
    let token = app.reset_token("victim").await;
    let body = json!({ "new_email": "mallory@example.com", "password": PASSWORD });
    let asked = session.post_json("/email/change-request", &body).await;
    assert_eq!(asked.status, 200, "{}", asked.text);

    assert_eq!(app.reset(&token, NEW).await.status, 200);
    app.deliver().await;

    assert!(app.message(MessageKind::ChangeEmail, "mallory").is_none());
    is_the_victims(&app).await;
}

#[tokio::test]
async fn sec_106_an_attackers_own_address_is_no_way_back_in() {
    let app = mail_app().await;
    // The trojan identifier: an account of the attacker's own, moved to the victim's address by the application. The
    // attacker's former address is the one that the way back leads to.
    app.verified("mallory").await;
    let session = app.signed_in("mallory").await;
    app.move_to(&session, "victim").await;
    let token = app.token(MessageKind::ChangeEmail, "victim");
    let unwitting = app.confirm("/email/change-confirm", &token).await;
    assert_eq!(unwitting.status, 200);
    app.deliver().await;
    let way_back = app.token(MessageKind::EmailChanged, "mallory");

    let reset_to = async |name: &str| app.ask("/password/reset-request", name).await.status;
    assert_eq!(reset_to("mallory").await, 200);
    assert!(app.message(MessageKind::ResetPassword, "mallory").is_none());
    let token = app.reset_token("victim").await;
    assert_eq!(app.reset(&token, NEW).await.status, 200);
    assert_eq!(session.get("/me").await.status, 401);
    let mut attacker = app.client().from(&fresh_address());
    assert_eq!(attacker.login("mallory", PASSWORD).await.status, 401);

    // Whoever opened the account keeps the way back for a week, by design: the notice says so to the former address.
    let answer = app.confirm("/email/change-undo", &way_back).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn sec_106_ones_own_confirmation_keeps_password_and_sessions() {
    let app = mail_app().await;
    app.sign_up("ada").await;
    let session = app.signed_in("ada").await;
    let token = app.token(MessageKind::VerifyEmail, "ada");
    assert_eq!(
        app.confirm("/email/verify-confirm", &token).await.status,
        200
    );
    assert_eq!(session.get("/billing").await.status, 200);
    app.signed_in("ada").await;
}

#[tokio::test]
async fn sec_036_an_owner_whom_strangers_lock_out_gets_in_by_the_mailbox() {
    let app = mail_app().await;
    app.verified("ada").await;
    for _ in 0..120 {
        let mut stranger = app.client().from(&fresh_address());
        stranger.login("ada", "a wrong password").await;
    }
    let mut owner = app.client().from(&fresh_address());
    assert_eq!(owner.login("ada", PASSWORD).await.status, 429);

    let token = app.reset_token("ada").await;
    assert_eq!(app.reset(&token, NEW).await.status, 200);

    let mut owner = app.client().from(&fresh_address());
    let answer = owner.login("ada", NEW).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn sec_036_a_link_that_changes_nothing_takes_no_lock_off() {
    let app = mail_app().await;
    app.verified("ada").await;
    let token = app.reset_token("ada").await;
    for _ in 0..10 {
        let mut stranger = app.client().from(&fresh_address());
        stranger.login("ada", "a wrong password").await;
    }
    assert_eq!(app.reset(&token, "short").await.status, 422);
    assert_eq!(app.reset(&"A".repeat(64), NEW).await.status, 400);
    let mut owner = app.client().from(&fresh_address());
    assert_eq!(owner.login("ada", PASSWORD).await.status, 429);
}

#[tokio::test]
async fn sec_096_no_step_of_a_change_of_address_can_be_left_out() {
    let app = mail_app().await;
    app.verified("ada").await;
    let ada = app.signed_in("ada").await;
    let path = "/email/change-request";
    let body = |password: &str| json!({ "new_email": "eve@example.com", "password": password });

    // no session, no CSRF token, no password, a wrong one
    assert_eq!(
        app.client().post_json(path, &body(PASSWORD)).await.status,
        401
    );
    let mut forged = ada.clone();
    forged.csrf = None;
    assert_eq!(forged.post_json(path, &body(PASSWORD)).await.status, 403);
    let without = json!({ "new_email": "eve@example.com" });
    assert_eq!(ada.post_json(path, &without).await.status, 422);
    assert_eq!(
        ada.post_json(path, &body("a wrong one")).await.code(),
        "password_incorrect"
    );
    app.deliver().await;
    assert!(app.message(MessageKind::ChangeEmail, "eve").is_none());

    // asked for, and not confirmed: the link goes to the new address only, and nothing moves
    assert_eq!(app.move_to(&ada, "eve").await.status, 200);
    assert!(app.message(MessageKind::ChangeEmail, "ada").is_none());
    let token = app.token(MessageKind::ChangeEmail, "eve");
    assert_eq!(ada.get("/me").await.json()["email"], "ada@example.com");

    // confirmed: the former address is told, and can take it back
    assert_eq!(
        app.confirm("/email/change-confirm", &token).await.status,
        200
    );
    app.deliver().await;
    assert!(app.message(MessageKind::EmailChanged, "eve").is_none());
    let back = app.token(MessageKind::EmailChanged, "ada");
    assert_eq!(app.confirm("/email/change-undo", &back).await.status, 200);
    assert_eq!(
        app.confirm("/email/change-confirm", &token).await.status,
        400
    );
    let mut ada = app.client().from(&fresh_address());
    assert_eq!(ada.login("ada@example.com", PASSWORD).await.status, 200);
}

/// The way back to an address that nobody had proven is its first proof, by somebody who did not need the password: what a
/// stranger set up there opens nothing afterwards.
#[tokio::test]
async fn sec_106_a_first_proof_by_the_way_back_leaves_no_password() {
    let app = mail_app().await;
    app.sign_up("ada").await; // by a stranger, who knows the password
    let mut stranger = app.signed_in("ada").await;
    assert_eq!(app.move_to(&stranger, "eve").await.status, 200);
    let token = app.token(MessageKind::ChangeEmail, "eve");
    assert_eq!(
        app.confirm("/email/change-confirm", &token).await.status,
        200
    );
    app.deliver().await;

    let token = app.token(MessageKind::EmailChanged, "ada");
    let undone = app.confirm("/email/change-undo", &token).await;

    assert_eq!(undone.text, r#"{"detail":"Email change undone."}"#);
    assert_eq!(stranger.get("/me").await.status, 401);
    for name in ["ada", "ada@example.com", "eve@example.com"] {
        assert_eq!(stranger.login(name, PASSWORD).await.status, 401, "{name}");
    }
    let token = app.reset_token("ada").await;
    assert_eq!(app.reset(&token, "the owner's own words").await.status, 200);
    let mut owner = app.client();
    assert_eq!(
        owner.login("ada", "the owner's own words").await.status,
        200
    );
    assert_eq!(owner.get("/billing").await.status, 200);
}
