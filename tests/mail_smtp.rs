//! Messages by SMTP, handed to a real server on this machine.
//!
//! Runs once: no database is asked.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "support/smtp.rs"]
mod smtp;

use std::time::Duration;

use crudauth::mail::{
    Content, Mailer, Message, MessageContext, MessageKind, SendError, SmtpMailer, Templates,
};
use crudauth::testing;
use mail_parser::{MessageParser, MimeHeaders};
use smtp::{Mood, SmtpServer, Tls, USER};

const FROM: &str = "Example Shop <no-reply@shop.example>";

fn mailer(server: &SmtpServer) -> SmtpMailer {
    SmtpMailer::builder(&server.url(), FROM)
        .root_certificate(server.authority.as_bytes())
        .build()
        .unwrap()
}

/// One that is quick to give up.
fn hasty(server: &SmtpServer) -> SmtpMailer {
    SmtpMailer::builder(&server.url(), FROM)
        .root_certificate(server.authority.as_bytes())
        .timeout(Duration::from_millis(400))
        .build()
        .unwrap()
}

fn reset() -> Message {
    testing::message(MessageKind::ResetPassword, "ada@example.com")
}

fn verify() -> Message {
    let mut message = testing::message(MessageKind::VerifyEmail, "bob@example.com");
    message.id = "f".repeat(32);
    message
}

fn temporary(outcome: Result<(), SendError>) -> String {
    match outcome {
        Err(SendError::Temporary(why)) => why.to_string(),
        other => panic!("not a temporary failure: {other:?}"),
    }
}

fn permanent(outcome: Result<(), SendError>) -> String {
    match outcome {
        Err(SendError::Permanent(why)) => why.to_string(),
        other => panic!("not a permanent failure: {other:?}"),
    }
}

// --- Delivery ------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_message_arrives_as_it_was_written() {
    for tls in [Tls::Implicit, Tls::Upgraded] {
        let server = SmtpServer::start(tls).await;
        let mailer = SmtpMailer::builder(&server.url(), FROM)
            .reply_to("help@shop.example")
            .hello_name("app.shop.example")
            .root_certificate(server.authority.as_bytes())
            .build()
            .unwrap();
        let sent = reset();

        mailer.send(&sent).await.unwrap();

        assert_eq!(server.signed_in(), 1);
        let [received] = &*server.received() else {
            panic!("not one message")
        };
        assert_eq!(
            (&*received.from, &*received.to),
            ("no-reply@shop.example", &["ada@example.com".to_owned()][..])
        );
        let mail = MessageParser::default().parse(&received.bytes).unwrap();
        let address = |found: Option<&mail_parser::Address>| {
            let first = found.unwrap().first().unwrap();
            (
                first.name().map(str::to_owned),
                first.address().unwrap().to_owned(),
            )
        };
        assert_eq!(
            address(mail.from()),
            (
                Some("Example Shop".to_owned()),
                "no-reply@shop.example".to_owned()
            )
        );
        assert_eq!(address(mail.to()), (None, "ada@example.com".to_owned()));
        assert_eq!(
            address(mail.reply_to()),
            (None, "help@shop.example".to_owned())
        );
        assert_eq!(mail.subject(), Some("Reset your password"));
        assert_eq!(
            mail.message_id(),
            Some(&*format!("{}@shop.example", sent.id))
        );
        assert!(mail.date().is_some());
        let raw = String::from_utf8_lossy(&received.bytes);
        assert!(
            raw.contains("\r\nAuto-Submitted: auto-generated\r\n"),
            "{raw}"
        );
        let kind = mail.content_type().unwrap();
        assert_eq!(
            (kind.ctype(), kind.subtype()),
            ("multipart", Some("alternative"))
        );
        assert_eq!(
            mail.parts
                .iter()
                .filter(|part| part.sub_parts().is_none())
                .count(),
            2
        );
        assert_eq!(text(&mail), sent.content.text);
        assert_eq!(html(&mail), sent.content.html.unwrap());
        if tls == Tls::Upgraded {
            assert_eq!(server.clear(), "EHLO app.shop.example\r\nSTARTTLS\r\n");
        }
    }
}

fn text(mail: &mail_parser::Message<'_>) -> String {
    mail.body_text(0).unwrap().replace("\r\n", "\n")
}

fn html(mail: &mail_parser::Message<'_>) -> String {
    mail.body_html(0).unwrap().replace("\r\n", "\n")
}

/// Says what it was made with.
struct Says(Content);

impl Templates for Says {
    fn render(&self, _: &MessageContext) -> Option<Content> {
        Some(self.0.clone())
    }
}

#[tokio::test]
async fn every_letter_and_every_line_survives_the_way() {
    let server = SmtpServer::start(Tls::Implicit).await;
    let long = "ein sehr langes Wort ".repeat(200);
    let said = Content {
        subject: "Passwort zur\u{fc}cksetzen \u{2709}\u{fe0f} \u{5bc6}\u{7801} "
            .repeat(4)
            .trim()
            .to_owned(),
        text: format!(".\n..\n.a\nFrom here\n\n{long}\n\u{5bc6}\u{7801} = =3D\n.\nQUIT\nend"),
        html: Some(format!("<p>.\n.</p>\n<p>{long}\u{fc}</p>")),
    };
    let sent = testing::message_by(
        MessageKind::ResetPassword,
        "ada@example.com",
        Some(&Says(said.clone())),
    );

    mailer(&server).send(&sent).await.unwrap();

    let [received] = &*server.received() else {
        panic!("not one message")
    };
    let mail = MessageParser::default().parse(&received.bytes).unwrap();
    assert_eq!(mail.subject(), Some(&*said.subject));
    assert_eq!(text(&mail), said.text);
    assert_eq!(html(&mail), said.html.unwrap());
    assert!(received.bytes.is_ascii());
    assert!(
        received
            .bytes
            .split(|byte| *byte == b'\n')
            .all(|line| line.len() <= 999),
        "RFC 5321 §4.5.3.1.6"
    );
}

#[tokio::test]
async fn a_message_without_html_is_plain_text() {
    let server = SmtpServer::start(Tls::Implicit).await;
    let said = Content {
        subject: "Hello".to_owned(),
        text: "There".to_owned(),
        html: None,
    };
    let sent = testing::message_by(
        MessageKind::ResetPassword,
        "ada@example.com",
        Some(&Says(said)),
    );

    mailer(&server).send(&sent).await.unwrap();

    let received = server.received();
    let mail = MessageParser::default().parse(&received[0].bytes).unwrap();
    assert!(mail.is_content_type("text", "plain"));
    assert_eq!(text(&mail).trim_end(), "There");
}

#[tokio::test]
async fn every_attempt_at_a_message_has_the_same_message_id() {
    let server = SmtpServer::start(Tls::Implicit).await;
    let (first, second) = (mailer(&server), mailer(&server));
    server.answer("MESSAGE", 451, "4.3.0 later");
    temporary(first.send(&reset()).await);
    server.answer_as_usual();

    first.send(&reset()).await.unwrap();
    second.send(&reset()).await.unwrap();

    let wire = String::from_utf8(server.wire()).unwrap();
    let ids: Vec<_> = wire
        .lines()
        .filter(|line| line.starts_with("Message-ID:"))
        .collect();
    assert_eq!(
        ids,
        vec![format!("Message-ID: <{}@shop.example>", reset().id); 3]
    );
}

#[tokio::test]
async fn messages_share_a_connection_while_it_works() {
    let server = SmtpServer::start(Tls::Implicit).await;
    let mailer = mailer(&server);
    for _ in 0..3 {
        mailer.send(&reset()).await.unwrap();
    }
    assert_eq!((server.connections(), server.signed_in()), (1, 1));

    server.set(Mood::ClosesAfterMessage);
    mailer.send(&reset()).await.unwrap();
    server.set(Mood::Fine);
    mailer.send(&verify()).await.unwrap();

    assert_eq!((server.connections(), server.received().len()), (2, 5));
}

#[tokio::test]
async fn without_tls_and_without_a_password_on_this_machine() {
    let server = SmtpServer::start(Tls::None).await;
    let url = format!("smtp://localhost:{}?tls=none", server.address.port());
    let mailer = SmtpMailer::new(&url, "no-reply@shop.example").unwrap();

    // This one wants a password.
    temporary(mailer.send(&reset()).await);
    SmtpMailer::new(&server.url(), FROM)
        .unwrap()
        .send(&reset())
        .await
        .unwrap();

    assert_eq!(server.received().len(), 1);
}

// --- What is tried again -------------------------------------------------------------------------------------------

#[tokio::test]
async fn who_refuses_the_message_is_told_from_who_refuses_us() {
    let server = SmtpServer::start(Tls::Implicit).await;
    let mailer = mailer(&server);
    for (command, code, text, is_permanent) in [
        ("RCPT", 550, "5.1.1 no such mailbox", true),
        ("RCPT", 553, "what is that", true),
        ("RCPT", 450, "4.2.0 greylisted", false),
        ("RCPT", 452, "too many", false),
        ("RCPT", 530, "5.7.0 sign in first", false),
        ("DATA", 554, "5.5.1 no valid recipients", true),
        ("DATA", 451, "later", false),
        ("MESSAGE", 552, "5.3.4 too big", true),
        ("MESSAGE", 554, "5.7.1 this is spam", true),
        ("MESSAGE", 451, "4.3.0 later", false),
        ("MAIL", 553, "5.7.1 not your address", false),
        ("MAIL", 421, "4.3.2 shutting down", false),
    ] {
        server.answer(command, code, text);
        let outcome = mailer.send(&reset()).await;
        let why = if is_permanent {
            permanent(outcome)
        } else {
            temporary(outcome)
        };
        assert!(why.contains(&code.to_string()), "{command} {code}: {why}");
        server.answer_as_usual();
    }
    assert!(server.received().is_empty());

    mailer.send(&reset()).await.unwrap();
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_wrong_password_keeps_messages_waiting() {
    for tls in [Tls::Implicit, Tls::Upgraded] {
        let server = SmtpServer::start(tls).await;
        let wrong = SmtpMailer::builder(&server.url().replace("MARKER", "WRONG"), FROM)
            .root_certificate(server.authority.as_bytes())
            .build()
            .unwrap();
        let why = temporary(wrong.send(&reset()).await);
        assert!(why.contains("signing in") && why.contains("535"), "{why}");

        server.answer("AUTH", 454, "4.7.0 later");
        assert!(temporary(mailer(&server).send(&reset()).await).contains("454"));
        assert!(server.received().is_empty());
    }
}

#[tokio::test]
async fn nobody_listens() {
    let server = SmtpServer::start(Tls::Implicit).await;
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    for scheme in ["smtp", "smtps"] {
        let mailer = SmtpMailer::builder(&format!("{scheme}://u:MARKER@localhost:{port}"), FROM)
            .root_certificate(server.authority.as_bytes())
            .build()
            .unwrap();
        let why = temporary(mailer.send(&reset()).await);
        assert!(
            why.contains("connecting") && !why.contains("MARKER"),
            "{why}"
        );
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    for tls in [Tls::Implicit, Tls::Upgraded] {
        let server = SmtpServer::start(tls).await;
        server.set(Mood::Silent);

        let outcome =
            tokio::time::timeout(Duration::from_secs(5), hasty(&server).send(&reset())).await;

        assert!(temporary(outcome.unwrap()).contains("in time"));
    }
}

#[tokio::test]
async fn a_server_that_closes_in_the_middle_of_a_message_has_not_taken_it() {
    let server = SmtpServer::start(Tls::Implicit).await;
    let mailer = mailer(&server);
    server.set(Mood::ClosesInMessage);
    temporary(mailer.send(&reset()).await);
    server.set(Mood::Fine);

    mailer.send(&reset()).await.unwrap();

    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn an_address_that_the_server_cannot_take_is_refused_for_good() {
    let server = SmtpServer::start(Tls::Implicit).await;
    let mailer = mailer(&server);
    for address in [
        "ren\u{e9}@example.com",
        "\u{738b}@example.com",
        "",
        "ada",
        "ada@example.com\r\nRCPT TO:<eve@example.com>",
    ] {
        let message = testing::message(MessageKind::ResetPassword, address);
        let why = permanent(mailer.send(&message).await);
        assert!(address.is_empty() || !why.contains(address), "{why}");
    }
    assert!(server.received().is_empty());
    assert!(!String::from_utf8_lossy(&server.wire()).contains("eve"));
}

#[tokio::test]
async fn an_address_beyond_ascii_goes_to_a_server_that_knows_such() {
    let server = SmtpServer::start(Tls::Implicit).await;
    server.takes_utf8();
    let message = testing::message(
        MessageKind::ResetPassword,
        "ren\u{e9}@xn--bcher-kva.example",
    );

    mailer(&server).send(&message).await.unwrap();

    let received = server.received();
    assert_eq!(received[0].to, ["ren\u{e9}@xn--bcher-kva.example"]);
    let mail = MessageParser::default().parse(&received[0].bytes).unwrap();
    assert_eq!(
        mail.to().unwrap().first().unwrap().address(),
        Some("ren\u{e9}@xn--bcher-kva.example")
    );
    let wire = String::from_utf8(server.wire()).unwrap();
    assert!(
        wire.contains("MAIL FROM:<no-reply@shop.example> SMTPUTF8 BODY=8BITMIME\r\n"),
        "{wire}"
    );
}

// --- Somebody on the way -------------------------------------------------------------------------------------------

#[tokio::test]
async fn without_the_offer_of_tls_nothing_is_sent() {
    let server = SmtpServer::start(Tls::Stripped).await;
    let why = temporary(mailer(&server).send(&reset()).await);

    assert!(why.contains("TLS"), "{why}");
    let clear = server.clear();
    assert!(
        clear.starts_with("EHLO ") && clear.lines().count() == 1,
        "{clear}"
    );
    assert_eq!((server.signed_in(), server.received().len()), (0, 0));
}

#[tokio::test]
async fn a_password_does_not_travel_in_the_clear_even_where_tls_may_be_missing() {
    for tls in ["danger_opportunistic", "danger_none"] {
        let url = format!("smtp://u:MARKER@smtp.example.com?tls={tls}");
        let refused = SmtpMailer::new(&url, FROM).unwrap_err().to_string();
        assert!(
            refused.contains("over TLS only") && !refused.contains("MARKER"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_server_that_cannot_prove_its_name_gets_nothing() {
    for tls in [Tls::Implicit, Tls::Upgraded] {
        let another = SmtpServer::named(tls, "mail.evil.example").await;
        let unknown = SmtpServer::start(tls).await;
        let trusting = |server: &SmtpServer, authority: &str| {
            SmtpMailer::builder(&server.url(), FROM)
                .root_certificate(authority.as_bytes())
                .build()
                .unwrap()
        };

        temporary(trusting(&another, &another.authority).send(&reset()).await);
        temporary(trusting(&unknown, &another.authority).send(&reset()).await);
        temporary(
            SmtpMailer::new(&unknown.url(), FROM)
                .unwrap()
                .send(&reset())
                .await,
        );

        for server in [&another, &unknown] {
            assert_eq!(
                (
                    server.signed_in(),
                    server.received().len(),
                    server.wire().len()
                ),
                (0, 0, 0)
            );
            assert!(!server.clear().contains("AUTH"));
        }
    }
}

#[tokio::test]
async fn what_is_put_behind_the_answer_to_starttls_is_not_taken_for_the_servers() {
    let server = SmtpServer::start(Tls::Injected).await;
    let why = temporary(mailer(&server).send(&reset()).await);

    assert!(why.contains("encrypting"), "{why}");
    assert_eq!((server.signed_in(), server.wire().len()), (0, 0));
}

// --- Messages stay apart -------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_message_that_was_given_up_half_way_never_runs_into_the_next_one() {
    for (mood, arrived) in [(Mood::HangsInMessage, 1), (Mood::HangsAfterMessage, 1)] {
        let server = SmtpServer::start(Tls::Implicit).await;
        let mailer = mailer(&server);
        mailer.send(&reset()).await.unwrap(); // so that there is a connection to use again
        server.set(mood);
        let message = reset();
        tokio::select! {
            outcome = mailer.send(&message) => panic!("{outcome:?}"),
            () = server.reads_a_message() => {}
        }
        server.set(Mood::Fine);

        mailer.send(&verify()).await.unwrap();

        let received = server.received();
        assert_eq!(received.len(), arrived + 1);
        let last = String::from_utf8(received.last().unwrap().bytes.clone()).unwrap();
        assert_eq!(received.last().unwrap().to, ["bob@example.com"]);
        assert!(
            last.contains("verify-email") && !last.contains("reset-password"),
            "{last}"
        );
        assert!(server.connections() >= 2);
    }
}

#[tokio::test]
async fn many_messages_at_once_reach_their_own_recipients() {
    let server = SmtpServer::start(Tls::Upgraded).await;
    let mailer = mailer(&server);
    let sends = (0..50).map(|number| {
        let mailer = mailer.clone();
        tokio::spawn(async move {
            let mut message = testing::message(
                MessageKind::ResetPassword,
                &format!("user{number}@example.com"),
            );
            message.id = format!("{number:032x}");
            mailer.send(&message).await
        })
    });
    for send in futures_util::future::join_all(sends).await {
        send.unwrap().unwrap();
    }

    let received = server.received();
    assert_eq!(received.len(), 50);
    for letter in received {
        let mail = MessageParser::default().parse(&letter.bytes).unwrap();
        let to = mail.to().unwrap().first().unwrap().address().unwrap();
        assert_eq!(letter.to, [to]);
        let number: u32 = to
            .trim_start_matches("user")
            .split('@')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(
            mail.message_id(),
            Some(&*format!("{number:032x}@shop.example"))
        );
    }
}

// --- What is not told ----------------------------------------------------------------------------------------------

#[tokio::test]
async fn sec_139_errors_and_debug_name_no_recipient_no_link_and_no_password() {
    let server = SmtpServer::start(Tls::Implicit).await;
    let mailer = mailer(&server);
    server.answer(
        "RCPT",
        550,
        "5.1.1 <ada@example.com>: no such mailbox, see https://app.example.com/?token=AAAA",
    );
    let error = mailer.send(&reset()).await.unwrap_err();
    let shown = format!(
        "{error} {error:?} {mailer:?} {:?}",
        SmtpMailer::builder(&server.url(), FROM)
    );

    assert!(shown.contains("550 5.1.1"), "{shown}");
    for secret in ["ada@", "token", "MARKER", "pass", USER] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let refused = SmtpMailer::builder("smtp://u:MARKER@h/x", "nobody")
        .reply_to("a@b.example\r\nBcc: eve@example.com")
        .hello_name("a b")
        .build()
        .unwrap_err()
        .to_string();

    assert!(refused.starts_with("4 problems"), "{refused}");
    assert!(!refused.contains("MARKER"), "{refused}");
}

#[test]
fn a_mailer_is_made_outside_a_runtime() {
    SmtpMailer::new("smtps://u:p@smtp.example.com", FROM).unwrap();
    assert!(
        SmtpMailer::builder("smtps://u:p@smtp.example.com", FROM)
            .root_certificate(b"no PEM")
            .build()
            .is_err()
    );
}
