//! Accounts that are recovered by something else than an address, and accounts that are not recovered at all.

use crudauth::mail::MessageKind;
use crudauth::{AuthUser, PasswordHash, Principal, auth, require};
use serde_json::{Value, json};

use crate::channel::{App, CaptureChannel, Sent};
use crate::start;
use crate::support::{Answer, Client, PASSWORD};

const NEW: &str = "another fine passphrase";
const ADA: &str = "+441632960001";
const BOB: &str = "+441632960002";

/// One that is recovered by its phone.
#[derive(Debug, Clone, AuthUser)]
#[auth(table = "members")]
pub struct Member {
    id: i64,
    username: String,
    password_hash: PasswordHash,
    #[auth(recovery, register, max_length = 20)]
    phone: String,
    phone_verified: bool,
    is_active: bool,
    token_version: i64,
}

auth! {
    #[database(sqlite, postgres)]
    #[channel(frontend_url = "https://app.example.com")]
    pub struct Phones<Member>;
}

/// One that is not recovered.
#[derive(Debug, Clone, AuthUser)]
#[auth(table = "members")]
pub struct Nameless {
    id: i64,
    username: String,
    password_hash: PasswordHash,
}

auth! {
    #[database(sqlite, postgres)]
    pub struct Names<Nameless>;
}

#[require(verified)]
async fn billing(user: Principal<Phones>) -> String {
    user.username.clone()
}

fn sign_up(name: &str, phone: &str) -> Value {
    json!({ "username": name, "password": PASSWORD, "phone": phone })
}

fn told(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), &answer.text)
}

async fn phones() -> (App<Phones>, CaptureChannel) {
    use crudauth::routing::{Router, get};
    let channel = CaptureChannel::new();
    let mut app = start!(Phones<Member>, channel(channel.clone()));
    let router = Router::new()
        .route("/billing", get(billing))
        .mount(&app.auth);
    app.client = Client::new(router.with_state(app.auth.clone()).into_axum());
    (app, channel)
}

#[tokio::test]
async fn the_whole_story_of_an_account_with_a_phone() {
    let (app, channel) = phones().await;
    let accepted =
        r#"{"detail":"If the account is available, check your messages to finish signing up."}"#;
    assert_eq!(
        told(&app.post("/register", sign_up("ada", ADA)).await),
        (202, accepted)
    );
    app.auth.run_due().await.unwrap();
    let Sent {
        id,
        kind,
        token,
        link,
        recipient,
        expires_in,
    } = channel.one();
    let token = token.unwrap();
    assert!(!id.is_empty());
    assert_eq!(
        (kind, recipient.as_str(), expires_in),
        (MessageKind::VerifyRecovery, ADA, 86400)
    );
    assert_eq!(
        link.unwrap(),
        format!("https://app.example.com/verify-email?token={token}")
    );

    let ada = app.signed_in("ada", PASSWORD).await;
    assert_eq!(ada.get("/billing").await.code(), "not_verified");
    assert_eq!(
        ada.get("/me").await.text,
        r#"{"user_id":1,"username":"ada","email":null,"is_superuser":false,"scopes":[],"via":"session"}"#
    );
    let answer = app
        .post("/email/verify-confirm", json!({ "token": token }))
        .await;
    assert_eq!(
        told(&answer),
        (200, r#"{"detail":"Verified successfully."}"#)
    );
    assert_eq!(ada.get("/billing").await.status, 200);

    let answer = app
        .post("/password/reset-request", json!({ "phone": ADA }))
        .await;
    assert_eq!(
        told(&answer),
        (
            200,
            r#"{"detail":"If an account exists, a password reset message has been sent."}"#
        )
    );
    app.auth.run_due().await.unwrap();
    let sent = channel.one();
    assert_eq!(
        (sent.kind, sent.expires_in),
        (MessageKind::ResetPassword, 3600)
    );
    let body = json!({ "token": sent.token, "new_password": NEW });
    let answer = app.post("/password/reset-confirm", body).await;
    assert_eq!(
        told(&answer),
        (200, r#"{"detail":"Password reset successfully."}"#)
    );
    assert_eq!(ada.get("/me").await.status, 401);
    app.signed_in("ada", NEW).await;
    app.auth.run_due().await.unwrap();
    let notice = channel.one();
    assert_eq!(
        (notice.kind, notice.token, notice.link),
        (MessageKind::PasswordChanged, None, None)
    );
}

#[tokio::test]
async fn a_request_names_the_number_exactly_as_it_is_stored() {
    let (app, channel) = phones().await;
    app.post("/register", sign_up("ada", ADA)).await;
    app.auth.run_due().await.unwrap();
    channel.take();
    let verify = "/email/verify-request";
    let sent = r#"{"detail":"If an account exists, a verification message has been sent."}"#;
    for phone in [
        BOB,
        "+441632960001 ",
        "00441632960001",
        "\u{ff0b}441632960001",
    ] {
        assert_eq!(
            told(&app.post(verify, json!({ "phone": phone })).await),
            (200, sent),
            "{phone:?}"
        );
        app.auth.run_due().await.unwrap();
        assert!(channel.take().is_empty(), "{phone:?}");
    }
    assert_eq!(
        told(&app.post(verify, json!({ "phone": ADA })).await),
        (200, sent)
    );
    app.auth.run_due().await.unwrap();
    assert_eq!(channel.one().recipient, ADA);

    let answer = app
        .post(verify, json!({ "email": "ada@example.com" }))
        .await;
    assert_eq!(answer.json()["detail"][0]["loc"], json!(["body", "phone"]));
    assert_eq!(answer.json()["detail"][0]["type"], "missing");
    let answer = app.post(verify, json!({ "phone": "1".repeat(21) })).await;
    assert_eq!(
        answer.text,
        r#"{"detail":[{"type":"string_too_long","loc":["body","phone"],"msg":"String should have at most 20 characters","ctx":{"max_length":20}}],"code":"validation_error"}"#
    );
    for hostile in [
        json!([ADA, BOB]),
        json!({ "a": ADA }),
        json!(null),
        json!(441),
        json!("a\0b"),
    ] {
        let answer = app.post(verify, json!({ "phone": hostile })).await;
        assert!(
            matches!(answer.status.as_u16(), 200 | 422),
            "{hostile}: {}",
            answer.text
        );
    }
    app.auth.run_due().await.unwrap();
    assert!(channel.take().is_empty());
}

#[tokio::test]
async fn a_taken_number_is_told_to_its_owner_alone() {
    let (app, channel) = phones().await;
    let free = app.post("/register", sign_up("ada", ADA)).await;
    app.auth.run_due().await.unwrap();
    channel.take();
    let taken = app.post("/register", sign_up("eve", ADA)).await;
    app.auth.run_due().await.unwrap();

    assert_eq!(told(&free), told(&taken));
    let notice = channel.one();
    assert_eq!(
        (
            notice.kind,
            notice.recipient.as_str(),
            notice.token,
            notice.expires_in
        ),
        (MessageKind::ExistingAccount, ADA, None, 0)
    );
    assert_eq!(app.db.count("SELECT count(*) FROM members").await, 1);
    // A name is told, as it is everywhere.
    for phone in [ADA, BOB] {
        assert_eq!(
            app.post("/register", sign_up("ada", phone)).await.code(),
            "username_taken"
        );
    }
    app.auth.run_due().await.unwrap();
    assert!(channel.take().is_empty());
}

#[tokio::test]
async fn an_address_that_there_is_none_of_is_not_changed() {
    let (app, _channel) = phones().await;
    for path in [
        "/email/change-request",
        "/email/change-confirm",
        "/email/change-undo",
    ] {
        assert_eq!(
            app.post(path, json!({ "token": "x" })).await.status,
            404,
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_administrator_says_that_a_number_is_proven() {
    let (app, _channel) = phones().await;
    app.post("/register", sign_up("ada", ADA)).await;
    let ada = app.signed_in("ada", PASSWORD).await;
    assert_eq!(ada.get("/billing").await.status, 403);
    let id = app
        .auth
        .users()
        .find_by_username("ada")
        .await
        .unwrap()
        .unwrap()
        .id;
    assert!(app.auth.users().set_verified(&id, true).await.unwrap());
    assert_eq!(ada.get("/billing").await.status, 200);
    assert!(app.auth.users().set_verified(&id, false).await.unwrap());
    assert_eq!(ada.get("/billing").await.status, 403);
}

#[tokio::test]
async fn sec_030_a_number_is_written_to_five_times_an_hour() {
    let (app, channel) = phones().await;
    app.post("/register", sign_up("ada", ADA)).await;
    app.auth.run_due().await.unwrap();
    channel.take();
    for _ in 0..8 {
        assert_eq!(
            app.post("/password/reset-request", json!({ "phone": ADA }))
                .await
                .status,
            200
        );
        app.auth.run_due().await.unwrap();
    }
    assert_eq!(channel.take().len(), 5);
    app.clock.advance(std::time::Duration::from_hours(1));
    app.post("/password/reset-request", json!({ "phone": ADA }))
        .await;
    app.auth.run_due().await.unwrap();
    assert_eq!(channel.take().len(), 1);
}

#[tokio::test]
async fn a_block_without_either_section_recovers_nothing() {
    let app = start!(Names<Nameless>);
    let body = json!({ "username": "ada", "password": PASSWORD });
    let answer = app.post("/register", body).await;
    assert_eq!(
        told(&answer),
        (200, r#"{"id":1,"email":null,"username":"ada"}"#)
    );
    for path in [
        "/email/verify-request",
        "/email/verify-confirm",
        "/password/reset-request",
        "/password/reset-confirm",
        "/email/change-request",
        "/email/change-confirm",
        "/email/change-undo",
    ] {
        assert_eq!(app.client.post(path).await.status, 404, "{path}");
    }
    app.auth.run_due().await.unwrap();
}
