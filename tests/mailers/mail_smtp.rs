//! Messages by SMTP, handed to a real server on this machine.

use crudauth::mail::{Content, Mailer, MessageContext, MessageKind, SmtpMailer, Templates};
use crudauth::testing;
use mail_parser::{MessageParser, MimeHeaders};

use crate::smtp::{Mood, SmtpServer, Tls};
use crate::smtp_client::{FROM, mailer, reset, temporary, verify};

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
