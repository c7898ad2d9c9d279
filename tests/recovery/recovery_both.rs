//! Accounts that have an address beside the number that they are recovered by.

use std::sync::Arc;

use crudauth::mail::MessageKind;
use crudauth::testing::CaptureMailer;
use crudauth::{AuthUser, PasswordHash, auth};
use serde_json::{Value, json};

use crate::channel::CaptureChannel;
use crate::start;
use crate::support::PASSWORD;

const ADA: &str = "+441632960001";
const BOB: &str = "+441632960002";

/// One that has both.
#[derive(Debug, Clone, AuthUser)]
#[auth(table = "members")]
pub struct Reachable {
    id: i64,
    email: String,
    username: String,
    password_hash: PasswordHash,
    email_verified: bool,
    #[auth(recovery, register, max_length = 20)]
    phone: String,
    phone_verified: bool,
}

auth! {
    #[database(sqlite, postgres)]
    #[email(frontend_url = "https://app.example.com")]
    #[channel]
    pub struct Both<Reachable>;
}

/// One that has both, between two values that are its own: whichever index a database looks at first, it is not the
/// address's.
#[derive(Debug, Clone, AuthUser)]
#[auth(table = "guests")]
#[allow(
    dead_code,
    reason = "the client writes them, and nobody here reads them"
)]
pub struct Seated {
    id: i64,
    #[auth(register, unique)]
    seat: i64,
    email: String,
    username: String,
    password_hash: PasswordHash,
    #[auth(recovery, register, max_length = 20)]
    phone: String,
    phone_verified: bool,
    #[auth(register, unique)]
    badge: i64,
}

auth! {
    #[database(sqlite, postgres)]
    #[channel(frontend_url = "https://app.example.com")]
    pub struct Guests<Seated>;
}

fn sign_up(name: &str, phone: &str) -> Value {
    json!({ "username": name, "password": PASSWORD, "phone": phone })
}

#[tokio::test]
async fn an_address_beside_a_number_is_changed_by_mail_and_the_number_recovers() {
    let (sms, mailing, failing) = (
        CaptureChannel::new(),
        CaptureChannel::mailing(),
        CaptureChannel::failing(),
    );
    let mail = CaptureMailer::new();
    let app = start!(
        Both<Reachable>,
        mailer(mail.clone()),
        channel(failing.clone()),
        channel(sms.clone()),
        channel(mailing.clone())
    );
    let deliver = async || assert!(app.auth.run_due().await.is_ok());
    let mut body = sign_up("ada", ADA);
    body["email"] = json!("ada@example.com");
    assert_eq!(app.post("/register", body.clone()).await.status, 202);
    deliver().await;
    // What is proven is the number: it does not go to the mailbox. A channel that fails keeps no other from its turn.
    assert!(mail.take().is_empty());
    let (verify, copy) = (sms.one(), mailing.one());
    assert_eq!(
        (verify.kind, verify.recipient.as_str()),
        (MessageKind::VerifyRecovery, ADA)
    );
    assert_eq!((verify, failing.take().len()), (copy, 1));

    let ada = app.signed_in("ada", PASSWORD).await;
    let ask = json!({ "new_email": "eve@example.com", "password": PASSWORD });
    assert_eq!(
        ada.post_json("/email/change-request", &ask).await.status,
        200
    );
    deliver().await;
    assert!(
        sms.take().is_empty(),
        "who is texted has not proven a mailbox"
    );
    assert_eq!(
        (mailing.one().recipient.as_str(), mailing.take().len()),
        ("eve@example.com", 0)
    );
    let message = mail.take().remove(0);
    assert_eq!(
        (message.kind(), message.to.as_str()),
        (MessageKind::ChangeEmail, "eve@example.com")
    );
    let link = message.context.link.unwrap();
    let token = json!({ "token": link.split_once("?token=").unwrap().1 });
    assert_eq!(app.post("/email/change-confirm", token).await.status, 200);
    let flags = "SELECT count(*) FROM members WHERE email = 'eve@example.com' AND email_verified AND NOT phone_verified";
    assert_eq!(
        app.db.count(flags).await,
        1,
        "the link has proven the address, and nothing else"
    );
    deliver().await;
    let notice = mail.take().remove(0);
    assert_eq!(
        (notice.kind(), notice.to.as_str()),
        (MessageKind::EmailChanged, "ada@example.com")
    );
    sms.take();

    // Recovery goes by the number; the address recovers nothing.
    let answer = app
        .post(
            "/password/reset-request",
            json!({ "email": "eve@example.com" }),
        )
        .await;
    assert_eq!(answer.status, 422);
    assert_eq!(
        app.post("/password/reset-request", json!({ "phone": ADA }))
            .await
            .status,
        200
    );
    deliver().await;
    assert!(mail.take().is_empty());
    assert_eq!(sms.one().kind, MessageKind::ResetPassword);
    // The owner of a taken address is told at that address, of a taken number by the number.
    mailing.take();
    body["username"] = json!("mallory");
    body["email"] = json!("eve@example.com");
    body["phone"] = json!(BOB);
    assert_eq!(app.post("/register", body.clone()).await.status, 202);
    deliver().await;
    assert_eq!(mail.take().remove(0).to, "eve@example.com");
    sms.take();
    body["email"] = json!("new@example.com");
    body["phone"] = json!(ADA);
    assert_eq!(app.post("/register", body).await.status, 202);
    deliver().await;
    assert!(mail.take().is_empty());
    assert_eq!(sms.one().recipient, ADA);
    assert_eq!(app.db.count("SELECT count(*) FROM members").await, 1);
}

/// Whoever loses the race for an address is answered by what the look-up finds then, and so is its owner.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_owner_of_an_address_is_told_when_a_race_for_it_is_lost() {
    let sms = CaptureChannel::new();
    let app = Arc::new(start!(Guests<Seated>, channel(sms.clone())));
    let racers: Vec<_> = (0..50)
        .map(|n| {
            let app = Arc::clone(&app);
            let mut body = sign_up(&format!("user-{n}"), &format!("+44163296{n:04}"));
            body["email"] = json!("ada@example.com");
            body["seat"] = json!(1);
            body["badge"] = json!(1);
            tokio::spawn(async move { app.post("/register", body).await.status })
        })
        .collect();
    for racer in racers {
        assert_eq!(racer.await.unwrap(), 202);
    }
    let told = "SELECT count(*) FROM auth_outbox WHERE kind = 'existing_account'";
    assert_eq!(app.db.count(told).await, 49);
    let owner = format!("{told} AND target = 'ada@example.com'");
    assert_eq!(app.db.count(&owner).await, 49);
}
