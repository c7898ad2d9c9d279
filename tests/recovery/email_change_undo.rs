//! Taking a change of address back: the last word is the oldest mailbox's.

use crudauth::mail::MessageKind;
use serde_json::json;

use crate::mailed::{MailApp, MailAuth, mail_app};
use crate::support::{Client, PASSWORD};

const UNDO: &str = "/email/change-undo";
const NEW: &str = "another fine passphrase";

/// Moves the account that `client` is signed in to, with this password, from one address to another; the former one's
/// token.
async fn moved(
    app: &MailApp<MailAuth>,
    client: &Client,
    password: &str,
    from: &str,
    to: &str,
) -> String {
    let body = json!({ "new_email": format!("{to}@example.com"), "password": password });
    let answer = client.post_json("/email/change-request", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    app.deliver().await;
    let token = app.token(MessageKind::ChangeEmail, to);
    assert_eq!(
        app.confirm("/email/change-confirm", &token).await.status,
        200
    );
    app.deliver().await;
    app.token(MessageKind::EmailChanged, from)
}

async fn ada() -> (MailApp<MailAuth>, Client) {
    let app = mail_app().await;
    app.verified("ada").await;
    let ada = app.signed_in("ada").await;
    (app, ada)
}

#[tokio::test]
async fn a_change_is_taken_back_and_everybody_signed_out() {
    let (app, ada) = ada().await;
    app.verified("bob").await;
    let (thief, bob) = (app.signed_in("ada").await, app.signed_in("bob").await);
    let undo = moved(&app, &thief, PASSWORD, "ada", "eve").await;
    app.db
        .run("UPDATE users SET email_verified = false WHERE username = 'ada'")
        .await;

    let answer = app.confirm(UNDO, &undo).await;

    assert_eq!(
        (answer.status.as_u16(), answer.text.as_str()),
        (200, r#"{"detail":"Email change undone."}"#)
    );
    assert!(answer.set_cookies().is_empty());
    for client in [&ada, &thief] {
        assert_eq!(client.get("/me").await.status, 401);
    }
    assert_eq!(bob.get("/me").await.status, 200);
    let mut ada = app.client();
    assert_eq!(ada.login("ada@example.com", PASSWORD).await.status, 200);
    assert_eq!(
        ada.get("/billing").await.status,
        200,
        "the mailbox is proven"
    );
    assert_eq!(
        app.client().login("eve@example.com", PASSWORD).await.status,
        401
    );
    let again = app.confirm(UNDO, &undo).await;
    assert_eq!(
        (again.status.as_u16(), again.text.as_str()),
        (400, r#"{"detail":"Token already used","code":"link_used"}"#)
    );
}

/// The owner's mailbox has the last word even when a thief has changed the password, and reset it by the new mailbox.
#[tokio::test]
async fn a_change_is_taken_back_after_the_password_was_changed_and_reset() {
    let (app, thief) = ada().await;
    let undo = moved(&app, &thief, PASSWORD, "ada", "eve").await;
    let change = json!({ "current_password": PASSWORD, "new_password": NEW });
    assert_eq!(
        thief.post_json("/change-password", &change).await.status,
        200
    );
    app.ask("/password/reset-request", "eve").await;
    let reset = app.token(MessageKind::ResetPassword, "eve");
    assert_eq!(
        app.reset(&reset, "a third fine passphrase").await.status,
        200
    );

    assert_eq!(app.confirm(UNDO, &undo).await.status, 200);
    let token = app.reset_token("ada").await;
    assert_eq!(
        app.reset(&token, "the owners own passphrase").await.status,
        200
    );
    assert_eq!(
        app.client()
            .login("ada", "the owners own passphrase")
            .await
            .status,
        200
    );
    app.ask("/password/reset-request", "eve").await;
    assert_eq!(
        app.client()
            .login("eve@example.com", "a third fine passphrase")
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn an_older_address_beats_a_newer_one() {
    let (app, thief) = ada().await;
    let oldest = moved(&app, &thief, PASSWORD, "ada", "eve").await;
    app.clock.advance(std::time::Duration::from_mins(1));
    let newer = moved(&app, &thief, PASSWORD, "eve", "mallory").await;
    app.clock.advance(std::time::Duration::from_mins(1));
    // The newer one is good for its own step …
    assert_eq!(app.confirm(UNDO, &newer).await.status, 200);
    assert_eq!(
        app.client().login("eve@example.com", PASSWORD).await.status,
        200
    );
    // … and does not shut the older one out.
    assert_eq!(app.confirm(UNDO, &oldest).await.status, 200);
    assert_eq!(
        app.client().login("ada@example.com", PASSWORD).await.status,
        200
    );
}

#[tokio::test]
async fn once_the_oldest_address_has_spoken_no_newer_one_is_heard() {
    let (app, thief) = ada().await;
    let oldest = moved(&app, &thief, PASSWORD, "ada", "eve").await;
    app.clock.advance(std::time::Duration::from_mins(1));
    let newer = moved(&app, &thief, PASSWORD, "eve", "mallory").await;
    let pending = json!({ "new_email": "trudy@example.com", "password": PASSWORD });
    assert_eq!(
        thief
            .post_json("/email/change-request", &pending)
            .await
            .status,
        200
    );
    app.deliver().await;
    let pending = app.token(MessageKind::ChangeEmail, "trudy");
    app.ask("/password/reset-request", "mallory").await;
    let reset = app.token(MessageKind::ResetPassword, "mallory");
    assert_eq!(app.confirm(UNDO, &oldest).await.status, 200);

    assert_eq!(app.confirm(UNDO, &newer).await.code(), "link_dead");
    assert_eq!(
        app.confirm("/email/change-confirm", &pending).await.code(),
        "link_dead"
    );
    assert_eq!(app.reset(&reset, NEW).await.code(), "link_dead");
    assert_eq!(
        app.client().login("ada@example.com", PASSWORD).await.status,
        200
    );
}

#[tokio::test]
async fn an_address_that_somebody_else_has_by_now_is_a_conflict() {
    let (app, ada) = ada().await;
    let undo = moved(&app, &ada, PASSWORD, "ada", "eve").await;
    let next = json!({ "email": "ada@example.com", "username": "next", "password": PASSWORD });
    assert_eq!(app.client().post_json("/register", &next).await.status, 202);
    let answer = app.confirm(UNDO, &undo).await;
    assert_eq!(
        (answer.status.as_u16(), answer.text.as_str()),
        (
            422,
            r#"{"detail":"Email already in use","code":"email_in_use"}"#
        )
    );
    assert_eq!(
        ada.get("/me").await.json()["email"],
        "eve@example.com",
        "nothing of it happened"
    );
    let next = app
        .auth
        .users()
        .find_by_username("next")
        .await
        .unwrap()
        .unwrap();
    app.auth.users().delete(&next.id).await.unwrap();
    assert_eq!(app.confirm(UNDO, &undo).await.status, 200);
}

#[tokio::test]
async fn the_link_is_good_for_nothing_else_and_for_a_week() {
    let (app, ada) = ada().await;
    let undo = moved(&app, &ada, PASSWORD, "ada", "eve").await;
    for path in ["/email/verify-confirm", "/email/change-confirm"] {
        assert_eq!(app.confirm(path, &undo).await.code(), "link_dead", "{path}");
    }
    assert_eq!(app.reset(&undo, NEW).await.code(), "link_dead");
    app.clock.advance(std::time::Duration::from_hours(7 * 24));
    assert_eq!(app.confirm(UNDO, &undo).await.code(), "link_dead");
    assert_eq!(
        app.client().login("eve@example.com", PASSWORD).await.status,
        200
    );
}

#[tokio::test]
async fn a_disabled_account_takes_nothing_back() {
    let (app, ada) = ada().await;
    let undo = moved(&app, &ada, PASSWORD, "ada", "eve").await;
    let id = app
        .auth
        .users()
        .find_by_username("ada")
        .await
        .unwrap()
        .unwrap()
        .id;
    app.auth.users().disable(&id).await.unwrap();
    assert_eq!(app.confirm(UNDO, &undo).await.code(), "link_dead");
    app.auth.users().enable(&id).await.unwrap();
    assert_eq!(app.confirm(UNDO, &undo).await.status, 200);
}
