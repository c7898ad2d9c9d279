//! Verification, reset and change of address, from the request to the effect.

use crudauth::mail::MessageKind;

use crate::mailed::mail_app;
use crate::support::PASSWORD;

const NEW: &str = "another fine passphrase";

#[tokio::test]
async fn the_whole_story_of_an_account() {
    let app = mail_app().await;
    app.sign_up("ada").await;
    let mut ada = app.signed_in("ada").await;
    assert_eq!(ada.get("/billing").await.code(), "not_verified");

    let token = app.token(MessageKind::VerifyEmail, "ada");
    let answer = app.confirm("/email/verify-confirm", &token).await;
    assert_eq!(answer.text, r#"{"detail":"Verified successfully."}"#);
    assert_eq!(ada.get("/billing").await.status, 200);
    let answer = app.confirm("/email/verify-confirm", &token).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (400, "link_used")
    );

    let token = app.reset_token("ada").await;
    assert_eq!(app.reset(&token, "short").await.status, 422);
    let answer = app.reset(&token, NEW).await;
    assert_eq!(answer.text, r#"{"detail":"Password reset successfully."}"#);
    assert_eq!(app.reset(&token, NEW).await.code(), "link_dead");
    assert_eq!(ada.get("/me").await.status, 401);
    assert_eq!(ada.login("ada", PASSWORD).await.status, 401);
    assert_eq!(ada.login("ada", NEW).await.status, 200);
    app.deliver().await;
    assert!(app.message(MessageKind::PasswordChanged, "ada").is_some());

    let body = serde_json::json!({ "new_email": "eve@example.com", "password": NEW });
    let answer = ada.post_json("/email/change-request", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    app.deliver().await;
    let token = app.token(MessageKind::ChangeEmail, "eve");
    let answer = app.confirm("/email/change-confirm", &token).await;
    assert_eq!(answer.text, r#"{"detail":"Email changed successfully."}"#);
    assert_eq!(ada.get("/me").await.json()["email"], "eve@example.com");
    app.deliver().await;

    let token = app.token(MessageKind::EmailChanged, "ada");
    let answer = app.confirm("/email/change-undo", &token).await;
    assert_eq!(answer.text, r#"{"detail":"Email change undone."}"#);
    assert_eq!(ada.get("/me").await.status, 401);
    assert_eq!(ada.login("ada@example.com", NEW).await.status, 200);
    assert_eq!(app.count("SELECT count(*) FROM auth_outbox").await, 0);
}
