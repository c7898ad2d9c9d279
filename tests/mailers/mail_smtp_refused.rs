//! Messages by SMTP that do not arrive: what is tried again, what is dropped, and what nobody on the way gets to see.

use std::time::Duration;

use crudauth::mail::{Mailer, MessageKind, SmtpMailer};
use crudauth::testing;
use mail_parser::MessageParser;

use crate::smtp::{Mood, SmtpServer, Tls, USER};
use crate::smtp_client::{FROM, hasty, mailer, permanent, reset, temporary};

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
    // Taken, so that nobody else comes to listen there.
    let nobody = tokio::net::TcpSocket::new_v4().unwrap();
    nobody.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = nobody.local_addr().unwrap().port();
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
async fn tls_that_fails_is_no_reason_to_go_on_in_the_clear() {
    let server = SmtpServer::start(Tls::Upgraded).await;
    let url = format!("{}?tls=danger_opportunistic", server.url());
    let trusting = SmtpMailer::builder(&url, FROM).root_certificate(server.authority.as_bytes());

    temporary(SmtpMailer::new(&url, FROM).unwrap().send(&reset()).await);
    assert_eq!((server.signed_in(), server.received().len()), (0, 0));
    trusting.build().unwrap().send(&reset()).await.unwrap();

    assert_eq!((server.signed_in(), server.received().len()), (1, 1));
    let clear = server.clear();
    assert!(
        clear
            .lines()
            .all(|line| line.starts_with("EHLO ") || line == "STARTTLS"),
        "{clear}"
    );
}

#[tokio::test]
async fn what_is_put_behind_the_answer_to_starttls_is_not_taken_for_the_servers() {
    let server = SmtpServer::start(Tls::Injected).await;
    let why = temporary(mailer(&server).send(&reset()).await);

    assert!(why.contains("encrypting"), "{why}");
    assert_eq!((server.signed_in(), server.wire().len()), (0, 0));
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
