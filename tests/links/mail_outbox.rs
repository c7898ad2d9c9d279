//! From a request to a mail server and back: the link that arrives there does what it was asked for.

use std::time::Duration;

use axum::http::StatusCode;
use crudauth::auth;
use crudauth::mail::{Content, MessageContext, MessageKind, SmtpMailer, Templates};
use mail_parser::MessageParser;
use serde_json::json;

use crate::custom;
use crate::smtp::{Received, SmtpServer, Tls};
use crate::support::{Custom, PASSWORD, User, fresh_address};

auth! {
    #[database(sqlite, postgres)]
    #[email(frontend_url = "https://app.example.com")]
    pub struct MailAuth<User>;
}

const NEW: &str = "another fine passphrase";

fn mailer(server: &SmtpServer) -> SmtpMailer {
    SmtpMailer::builder(&server.url(), "Example Shop <no-reply@shop.example>")
        .root_certificate(server.authority.as_bytes())
        .build()
        .unwrap()
}

async fn ask(app: &Custom<MailAuth>, path: &str, body: serde_json::Value) {
    let answer = app
        .client()
        .from(&fresh_address())
        .post_json(path, &body)
        .await;
    assert!(answer.status.is_success(), "{}", answer.text);
    app.auth.run_due().await.unwrap();
}

async fn sign_up(app: &Custom<MailAuth>, name: &str) {
    let email = format!("{name}@example.com");
    ask(
        app,
        "/register",
        json!({ "email": email, "username": name, "password": PASSWORD }),
    )
    .await;
}

/// The token of the link in a mail, as its reader finds it in the plain text.
fn token(letter: &Received, page: &str) -> String {
    let mail = MessageParser::default().parse(&letter.bytes).unwrap();
    let text = mail.body_text(0).unwrap();
    let start = format!("https://app.example.com{page}?token=");
    let token = text
        .split_once(&start)
        .unwrap_or_else(|| panic!("no {page} in {text}"))
        .1
        .trim_end();
    assert!(mail.body_html(0).unwrap().contains(token));
    token.to_owned()
}

#[tokio::test]
async fn the_links_that_arrive_open_what_they_are_for() {
    let server = SmtpServer::start(Tls::Upgraded).await;
    let app = custom!(MailAuth, 5, mailer(mailer(&server)));
    sign_up(&app, "ada").await;
    ask(
        &app,
        "/password/reset-request",
        json!({ "email": "ada@example.com" }),
    )
    .await;

    let [verify, reset] = &*server.received() else {
        panic!("not two messages")
    };
    assert_eq!(verify.to, ["ada@example.com"]);
    let body = json!({ "token": token(verify, "/verify-email") });
    let answer = app.client().post_json("/email/verify-confirm", &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let body = json!({ "token": token(reset, "/reset-password"), "new_password": NEW });
    let answer = app
        .client()
        .post_json("/password/reset-confirm", &body)
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);

    app.auth.run_due().await.unwrap();
    let received = server.received();
    let notice = MessageParser::default().parse(&received[2].bytes).unwrap();
    assert_eq!(notice.subject(), Some("Your password was changed"));
    assert_eq!(app.client().login("ada", NEW).await.status, StatusCode::OK);
}

#[tokio::test]
async fn sec_156_a_mail_server_that_is_away_delays_a_message_and_no_answer() {
    let server = SmtpServer::start(Tls::Implicit).await;
    let app = custom!(MailAuth, 5, mailer(mailer(&server)));
    server.answer("MESSAGE", 451, "4.3.0 later");
    sign_up(&app, "ada").await;
    assert!(server.received().is_empty());

    // Not before its time.
    app.auth.run_due().await.unwrap();
    server.answer_as_usual();
    app.auth.run_due().await.unwrap();
    assert!(server.received().is_empty());
    app.clock.advance(Duration::from_mins(1));
    app.auth.run_due().await.unwrap();

    let received = server.received();
    let body = json!({ "token": token(&received[0], "/verify-email") });
    let answer = app.client().post_json("/email/verify-confirm", &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let wire = String::from_utf8(server.wire()).unwrap();
    let ids: Vec<_> = wire
        .lines()
        .filter(|line| line.starts_with("Message-ID:"))
        .collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(
        ids[0], ids[1],
        "a second copy could not be told from the first"
    );
}

#[tokio::test]
async fn a_mailbox_that_does_not_exist_is_written_to_once() {
    let server = SmtpServer::start(Tls::Implicit).await;
    let app = custom!(MailAuth, 5, mailer(mailer(&server)));
    server.answer("RCPT", 550, "5.1.1 no such mailbox");
    sign_up(&app, "ada").await;
    server.answer_as_usual();

    app.clock.advance(Duration::from_hours(1));
    app.auth.run_due().await.unwrap();

    assert!(server.received().is_empty());
    assert_eq!(app.count("SELECT count(*) FROM auth_outbox").await, 0);
}

/// Texts of the application, for some kinds.
struct Own;

impl Templates for Own {
    fn render(&self, context: &MessageContext) -> Option<Content> {
        match context.kind {
            MessageKind::VerifyEmail => Some(Content {
                subject: "Adresse best\u{e4}tigen".to_owned(),
                text: format!("Hier: {}", context.link.as_deref()?),
                html: None,
            }),
            MessageKind::ResetPassword => panic!("a template of the application"),
            _ => None,
        }
    }
}

#[tokio::test]
async fn texts_of_the_application_go_out_and_a_panic_in_them_keeps_nothing_back() {
    let server = SmtpServer::start(Tls::Implicit).await;
    let app = custom!(MailAuth, 5, mailer(mailer(&server)), templates(Own));
    sign_up(&app, "ada").await;
    ask(
        &app,
        "/password/reset-request",
        json!({ "email": "ada@example.com" }),
    )
    .await;

    let received = server.received();
    let subjects: Vec<_> = received
        .iter()
        .map(|letter| {
            MessageParser::default()
                .parse(&letter.bytes)
                .unwrap()
                .subject()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(subjects, ["Adresse best\u{e4}tigen", "Reset your password"]);
}
