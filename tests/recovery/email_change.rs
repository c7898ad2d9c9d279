//! Moving to another address: who may ask, what they are told, and what it leaves in place.

use crudauth::auth;
use crudauth::mail::MessageKind;
use serde_json::{Value, json};

use crate::mailed;
use crate::mailed::{MailApp, MailAuth, mail_app};
use crate::support::{Answer, Client, PASSWORD, User, fresh_address};

const ASK: &str = "/email/change-request";
const CONFIRM: &str = "/email/change-confirm";
const SENT: &str =
    r#"{"detail":"If the address is available, a confirmation email has been sent."}"#;

auth! {
    #[database(sqlite, postgres)]
    #[email(frontend_url = "https://app.example.com", evict_on_change)]
    pub struct Evicting<User>;
}

fn body(to: &str, password: &str) -> Value {
    json!({ "new_email": to, "password": password })
}

fn told(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), &answer.text)
}

/// ada, proven and signed in; the mailbox is empty.
async fn ada() -> (MailApp<MailAuth>, Client) {
    let app = mail_app().await;
    app.verified("ada").await;
    drop(app.mail.take());
    let ada = app.signed_in("ada").await;
    (app, ada)
}

#[tokio::test]
async fn refusals_are_the_contracts_and_come_in_its_order() {
    let (app, ada) = ada().await;
    let incorrect = (
        400,
        r#"{"detail":"Incorrect password","code":"password_incorrect"}"#,
    );
    let same = (
        400,
        r#"{"detail":"New email matches current email","code":"same_email"}"#,
    );

    // Nobody, before anything is read.
    let answer = app.client().post_body(ASK, "text/plain", "{").await;
    assert_eq!(
        told(&answer),
        (
            401,
            r#"{"detail":"Not authenticated","code":"not_authenticated"}"#
        )
    );
    let mut forger = ada.clone();
    forger.csrf = None;
    let answer = forger.post_body(ASK, "text/plain", "{").await;
    assert_eq!(
        told(&answer),
        (
            403,
            r#"{"detail":"Missing CSRF token","code":"csrf_missing"}"#
        )
    );
    assert_eq!(
        answer.header("x-ratelimit-limit"),
        None,
        "none of these is counted"
    );
    // The body, before the password.
    let answer = ada.post_json(ASK, &body("nope", "wrong")).await;
    assert_eq!(
        answer.json()["detail"][0]["loc"],
        json!(["body", "new_email"])
    );
    // The password, before what the address is.
    assert_eq!(
        told(&ada.post_json(ASK, &body("ada@example.com", "wrong")).await),
        incorrect
    );
    assert_eq!(
        told(&ada.post_json(ASK, &body("ada@example.com", PASSWORD)).await),
        same
    );
    // And the limit, before all of the body.
    let answer = ada.post_body(ASK, "text/plain", "{").await;
    assert_eq!(
        told(&answer),
        (
            429,
            r#"{"detail":"Too many requests. Try again later.","code":"rate_limited"}"#
        )
    );
    app.deliver().await;
    assert!(app.mail.take().is_empty());
}

#[tokio::test]
async fn a_body_says_all_that_is_wrong_with_it_and_none_of_what_it_said() {
    let (_app, ada) = ada().await;
    let answer = ada.post_json(ASK, &json!({})).await;
    assert_eq!(
        answer.text,
        r#"{"detail":[{"type":"missing","loc":["body","new_email"],"msg":"Field required"},{"type":"missing","loc":["body","password"],"msg":"Field required"}],"code":"validation_error"}"#
    );
    let long = format!("{}@example.com", "x".repeat(400));
    let answer = ada.post_json(ASK, &body(&long, "zq-secret-zq")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (422, "validation_error")
    );
    assert!(!answer.text.contains("zq-secret-zq"));
}

#[tokio::test]
async fn the_present_address_in_another_spelling_is_the_present_address() {
    let app = mail_app().await;
    for (n, (stored, typed)) in [
        ("ada@example.com", "ADA@Example.COM"),
        ("bob@example.com", " bob@example.com "),
        ("carl@example.com", "\u{ff43}arl@example.com"),
        ("dora@bücher.example", "dora@xn--bcher-kva.example"),
        ("emil@xn--bcher-kva.example", "emil@BÜCHER.example"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("user{n}");
        let client = app.client().from(&fresh_address());
        let sign_up = json!({ "email": stored, "username": name, "password": PASSWORD });
        assert_eq!(client.post_json("/register", &sign_up).await.status, 202);
        let client = app.signed_in(&name).await;
        let answer = client.post_json(ASK, &body(typed, PASSWORD)).await;
        assert_eq!(answer.code(), "same_email", "{typed:?}: {}", answer.text);
    }
}

#[tokio::test]
async fn an_account_without_a_password_is_told_that_it_is_wrong() {
    let (app, ada) = ada().await;
    app.db.run("UPDATE users SET password_hash = '!'").await;
    for password in ["!", "", PASSWORD] {
        let answer = ada.post_json(ASK, &body("eve@example.com", password)).await;
        assert!(
            matches!(
                answer.code().as_str(),
                "password_incorrect" | "validation_error"
            ),
            "{}",
            answer.text
        );
        assert!(matches!(answer.status.as_u16(), 400 | 422));
    }
    app.deliver().await;
    assert!(app.mail.take().is_empty());
}

#[tokio::test]
async fn a_taken_address_is_told_to_nobody() {
    let (app, ada) = ada().await;
    app.verified("bob").await;
    drop(app.mail.take());
    let taken = ada.post_json(ASK, &body("Bob@example.com", PASSWORD)).await;
    app.deliver().await;
    assert!(app.mail.take().is_empty());
    let free = ada.post_json(ASK, &body("eve@example.com", PASSWORD)).await;
    app.deliver().await;
    assert_eq!(app.mail.take().len(), 1);

    assert_eq!(told(&taken), (200, SENT));
    assert_eq!(told(&free), (200, SENT));
    let names = |answer: &Answer| {
        answer
            .headers
            .keys()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&taken), names(&free));
}

/// Guesses at this door count towards the account's total, and close no other (SEC-035, SEC-037).
#[tokio::test]
async fn sec_035_guesses_here_do_not_lock_the_owners_sign_in() {
    let (app, ada) = ada().await;
    let thief = ada.clone().from(&fresh_address());
    let run = "SELECT COALESCE(MAX(run), 0) FROM auth_attempts";
    for n in 1..=3 {
        let answer = thief
            .post_json(ASK, &body("eve@example.com", "wrong password"))
            .await;
        assert_eq!(answer.code(), "password_incorrect");
        assert_eq!(app.count(run).await, n, "each counts towards the hundred");
    }
    let mut owner = app.client().from(&fresh_address());
    assert_eq!(owner.login("ada", PASSWORD).await.status, 200);
    // A right one is not counted as a guess.
    app.clock.advance(std::time::Duration::from_hours(1));
    let before = app.count(run).await;
    let owner = app.signed_in("ada").await;
    assert_eq!(
        owner
            .post_json(ASK, &body("new@example.com", PASSWORD))
            .await
            .status,
        200
    );
    assert!(app.count(run).await <= before);
}

#[tokio::test]
async fn sec_037_at_a_hundred_this_door_is_closed_too() {
    let (app, ada) = ada().await;
    ada.post_json(ASK, &body("eve@example.com", "wrong password"))
        .await;
    app.db.run("UPDATE auth_attempts SET run = 99").await;
    let last = ada
        .post_json(ASK, &body("eve@example.com", "wrong password"))
        .await;
    assert_eq!(last.code(), "password_incorrect");
    let answer = ada.post_json(ASK, &body("eve@example.com", PASSWORD)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (429, "locked_out")
    );
    assert!(answer.header("retry-after").is_some());
    app.deliver().await;
    assert!(app.mail.take().is_empty());
}

#[tokio::test]
async fn a_change_moves_the_account_and_keeps_its_sessions() {
    let app = mail_app().await;
    app.sign_up("ada").await;
    let (ada, other) = (app.signed_in("ada").await, app.signed_in("ada").await);
    assert_eq!(ada.get("/billing").await.status, 403);
    assert_eq!(told(&app.move_to(&ada, "eve").await), (200, SENT));
    assert_eq!(
        ada.get("/me").await.json()["email"],
        "ada@example.com",
        "until it is confirmed"
    );
    let token = app.token(MessageKind::ChangeEmail, "eve");
    let answer = app.confirm(CONFIRM, &token).await;

    assert_eq!(
        told(&answer),
        (200, r#"{"detail":"Email changed successfully."}"#)
    );
    assert!(answer.set_cookies().is_empty());
    for client in [&ada, &other] {
        assert_eq!(client.get("/me").await.json()["email"], "eve@example.com");
        assert_eq!(
            client.get("/billing").await.status,
            200,
            "the link has proven the new address"
        );
    }
    assert_eq!(
        app.client().login("eve@example.com", PASSWORD).await.status,
        200
    );
    assert_eq!(
        app.client().login("ada@example.com", PASSWORD).await.status,
        401
    );
    // The old address hears of it; the new one was asked.
    drop(app.mail.take());
    app.deliver().await;
    let notice = app.mail.take();
    assert_eq!(notice.len(), 1);
    assert_eq!(
        (notice[0].kind(), notice[0].to.as_str()),
        (MessageKind::EmailChanged, "ada@example.com")
    );
    let answer = app.confirm(CONFIRM, &token).await;
    assert_eq!(
        told(&answer),
        (
            400,
            r#"{"detail":"Invalid or expired token","code":"link_dead"}"#
        )
    );
}

#[tokio::test]
async fn a_block_may_end_the_sessions_of_who_moves() {
    let app = mailed!(Evicting);
    let sign_up = json!({ "email": "ada@example.com", "username": "ada", "password": PASSWORD });
    assert_eq!(
        app.client().post_json("/register", &sign_up).await.status,
        202
    );
    let ada = app.signed_in("ada").await;
    assert_eq!(
        ada.post_json(ASK, &body("eve@example.com", PASSWORD))
            .await
            .status,
        200
    );
    app.auth.run_due().await.unwrap();
    let token = json!({ "token": app.token(MessageKind::ChangeEmail, "eve") });
    assert_eq!(ada.get("/me").await.status, 200);
    assert_eq!(app.client().post_json(CONFIRM, &token).await.status, 200);

    assert_eq!(ada.get("/me").await.status, 401);
    assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 0);
    assert_eq!(
        app.signed_in("ada").await.get("/me").await.json()["email"],
        "eve@example.com"
    );
}

#[tokio::test]
async fn an_address_that_was_taken_meanwhile_is_a_conflict_and_the_link_stays_good() {
    let (app, ada) = ada().await;
    app.move_to(&ada, "eve").await;
    let token = app.token(MessageKind::ChangeEmail, "eve");
    app.sign_up("eve").await;
    for _ in 0..2 {
        let answer = app.confirm(CONFIRM, &token).await;
        assert_eq!(
            told(&answer),
            (
                422,
                r#"{"detail":"Email already in use","code":"email_in_use"}"#
            )
        );
    }
    assert_eq!(ada.get("/me").await.json()["email"], "ada@example.com");
    assert_eq!(
        app.count("SELECT count(*) FROM auth_outbox").await,
        0,
        "nobody is told of what did not happen"
    );

    let eve = app
        .auth
        .users()
        .find_by_username("eve")
        .await
        .unwrap()
        .unwrap();
    app.auth.users().delete(&eve.id).await.unwrap();
    assert_eq!(app.confirm(CONFIRM, &token).await.status, 200);
    assert_eq!(ada.get("/me").await.json()["email"], "eve@example.com");
}

#[tokio::test]
async fn sec_096_a_pending_change_dies_with_the_password_that_asked_for_it() {
    let (app, ada) = ada().await;
    let new = "another fine passphrase";
    app.move_to(&ada, "eve").await;
    let token = app.token(MessageKind::ChangeEmail, "eve");
    // Asked for, and not yet resolved into a link.
    let later = ada
        .post_json(ASK, &body("later@example.com", PASSWORD))
        .await;
    assert_eq!(later.status, 200);
    let change = json!({ "current_password": PASSWORD, "new_password": new });
    assert_eq!(ada.post_json("/change-password", &change).await.status, 200);

    assert_eq!(app.confirm(CONFIRM, &token).await.code(), "link_dead");
    app.deliver().await;
    assert!(app.message(MessageKind::ChangeEmail, "later").is_none());
}

#[tokio::test]
async fn sec_096_a_stolen_session_without_the_password_moves_nothing() {
    let (app, ada) = ada().await;
    for missing in [
        json!({ "new_email": "eve@example.com" }),
        json!({ "new_email": "eve@example.com", "password": "" }),
        json!({ "new_email": "eve@example.com", "password": "wrong" }),
    ] {
        assert!(ada.post_json(ASK, &missing).await.status.is_client_error());
    }
    app.deliver().await;
    assert!(app.mail.take().is_empty());
    assert_eq!(
        app.count("SELECT count(*) FROM auth_tokens WHERE used_at IS NULL")
            .await,
        0
    );
    assert_eq!(ada.get("/me").await.json()["email"], "ada@example.com");
}
