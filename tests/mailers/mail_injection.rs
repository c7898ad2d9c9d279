//! What goes over the wire when somebody tries to write a header, a command or markup of their own into a message: asserted
//! on the bytes that a mail server was sent.

use crudauth::mail::{
    Content, Mailer, Message, MessageContext, MessageKind, SmtpMailer, Templates,
};
use crudauth::testing;
use crudauth_runtime::identity::parse_email;
use crudauth_runtime::mail::render;
use mail_parser::MessageParser;

use crate::smtp::{Received, SmtpServer, Tls};

const FROM: &str = "Example Shop <no-reply@shop.example>";
/// Every header that a message of ours has.
const HEADERS: [&str; 8] = [
    "From",
    "To",
    "Subject",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Date",
    "Content-Type",
];

struct Post {
    server: SmtpServer,
    mailer: SmtpMailer,
}

impl Post {
    async fn office() -> Self {
        let server = SmtpServer::start(Tls::Implicit).await;
        let mailer = SmtpMailer::builder(&server.url(), FROM)
            .root_certificate(server.authority.as_bytes())
            .build()
            .unwrap();
        Self { server, mailer }
    }

    /// Sends it, and returns what arrived if it was sent at all. Whatever it was, the conversation was one message to one
    /// recipient, with our headers and no others.
    async fn send(&self, message: &Message) -> Option<Received> {
        let before = (self.server.received().len(), self.server.wire().len());
        let sent = self.mailer.send(message).await;
        let received = self.server.received();
        assert_eq!(received.len() - before.0, usize::from(sent.is_ok()));
        let wire = self.server.wire().split_off(before.1);
        assert!(
            !lone_line_end(&wire),
            "a line ends for some and not for others"
        );
        let commands = |name: &str| {
            let lines = wire.split(|byte| *byte == b'\n');
            lines
                .filter(|line| line.starts_with(name.as_bytes()))
                .count()
        };
        assert!(commands("MAIL FROM:") <= 1 && commands("RCPT TO:") <= 1 && commands("DATA") <= 1);
        sent.ok()?;
        let letter = received.last().unwrap().clone();
        assert_eq!(letter.to, [&*message.to]);
        let head = String::from_utf8(letter.bytes.clone()).unwrap();
        let head = head.split("\r\n\r\n").next().unwrap();
        let mut names: Vec<_> = head
            .split("\r\n")
            .filter(|line| !line.starts_with(' ') && !line.starts_with('\t'))
            .map(|line| line.split(':').next().unwrap())
            .collect();
        let mut ours = HEADERS.to_vec();
        if message.content.html.is_none() {
            ours.push("Content-Transfer-Encoding");
        }
        names.sort_unstable();
        ours.sort_unstable();
        assert_eq!(names, ours, "{head}");
        Some(letter)
    }
}

fn lone_line_end(bytes: &[u8]) -> bool {
    let before = |at: usize| at.checked_sub(1).map(|at| bytes[at]);
    bytes.iter().enumerate().any(|(at, byte)| match byte {
        b'\n' => before(at) != Some(b'\r'),
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    })
}

#[tokio::test]
async fn sec_095_a_recipient_never_becomes_a_header_or_a_command() {
    let post = Post::office().await;
    let long = format!("{}@{}.example.com", "a".repeat(64), "b".repeat(63));
    for hostile in [
        "bcc:eve@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\nRCPT TO:<eve@example.com>",
        "ada@example.com\rBcc: eve@example.com",
        "ada@example.com\0",
        "ada@example.com\u{2028}Bcc: eve@example.com",
        "ada@example.com,eve@example.com",
        "ada@example.com;eve@example.com",
        "ada@example.com> SIZE=1",
        "ada@example.com> NOTIFY=SUCCESS",
        "<ada@example.com>",
        "ada <eve@example.com>",
        "\"ada\r\n\"@example.com",
        "=?utf-8?q?=0d=0aBcc:_eve@example.com?=@example.com",
        "a=0d=0abcc@example.com",
        "%0d%0abcc@example.com",
        "{{7*7}}@example.com",
        "$(id)@example.com",
        "`id`@example.com",
        "|sh@example.com",
        "-oqueue@example.com",
        "'or'1'='1@example.com",
        "&amp;#10;@example.com",
        "ada@xn--bcher-kva.example",
        &long,
    ] {
        let Ok(address) = parse_email(hostile) else {
            // Nobody has an account with it. A sender is asked all the same.
            let message = testing::message(MessageKind::ResetPassword, hostile);
            if let Some(letter) = post.send(&message).await {
                assert!(
                    !letter.to[0].contains(['\r', '\n', '\0', ' ', '<', '>']),
                    "{hostile:?}"
                );
            }
            continue;
        };
        let message = testing::message(MessageKind::ResetPassword, address.as_str());
        let letter = post
            .send(&message)
            .await
            .unwrap_or_else(|| panic!("{hostile:?} was not sent"));
        let mail = MessageParser::default().parse(&letter.bytes).unwrap();
        let to: Vec<_> = mail
            .to()
            .unwrap()
            .iter()
            .map(|to| to.address().unwrap())
            .collect();
        assert_eq!(to, [address.as_str()], "{hostile:?}");
    }
}

#[tokio::test]
async fn sec_095_a_frontend_or_a_link_never_becomes_a_header_or_markup() {
    let post = Post::office().await;
    for hostile in [
        "https://app.example.com/\r\nBcc: eve@example.com\r\n\r\n<script>alert(1)</script>",
        "https://app.example.com/\r\n.\r\nMAIL FROM:<eve@example.com>\r\n",
        "https://app.example.com/\n.\n",
        "https://app.example.com/\r.\r",
        "https://app.example.com/\"><img src=x onerror=alert(1)>",
        "https://app.example.com/'onmouseover='alert(1)",
        "https://app.example.com/</title></style><script>",
        "https://app.example.com/\u{202e}moc.live",
        "javascript:alert(1)",
        "https://app.example.com/o'brien&sons",
    ] {
        for kind in MessageKind::ALL {
            let mut message = testing::message(kind, "ada@example.com");
            message.context.frontend_url = hostile.to_owned();
            message.context.link = Some(format!("{hostile}?token={}", "A".repeat(64)));
            message.content = render(&message.context, None);

            let letter = post.send(&message).await.unwrap();

            let mail = MessageParser::default().parse(&letter.bytes).unwrap();
            let (text, html) = (mail.body_text(0).unwrap(), mail.body_html(0).unwrap());
            let notice = matches!(
                kind,
                MessageKind::EmailChanged
                    | MessageKind::ExistingAccount
                    | MessageKind::IdentityLinked
                    | MessageKind::PasswordChanged
            );
            let own_lines = if notice { 3 } else { 1 };
            assert_eq!(
                text.trim_end().lines().count(),
                own_lines,
                "{hostile:?}: {text}"
            );
            for markup in [
                "<script",
                "<img",
                "onerror=\"",
                "'onmouseover",
                "href=\"javascript",
                "\u{202e}",
            ] {
                assert!(!html.contains(markup), "{hostile:?}: {markup}");
            }
            // A link stands in one attribute, which ends where we end it.
            for link in html.split("href=\"").skip(1) {
                let end = link.split_once("\" style=").unwrap().0;
                assert!(
                    end.starts_with("https://app.example.com/")
                        && !end.contains(['"', '<', '>', ' ']),
                    "{end}"
                );
            }
        }
    }
}

/// Says the same whatever it is asked for.
struct Says(Content);

impl Templates for Says {
    fn render(&self, _: &MessageContext) -> Option<Content> {
        Some(self.0.clone())
    }
}

#[tokio::test]
async fn sec_095_a_template_never_writes_a_header_or_ends_the_message() {
    let post = Post::office().await;
    for subject in [
        "Hello\r\nBcc: eve@example.com",
        "Hello\nBcc: eve@example.com",
        "Hello\rBcc: eve@example.com",
        "Hello\r\n\r\n<script>alert(1)</script>",
        "Hello\0Bcc: eve@example.com",
        "Hello\u{85}Bcc: eve@example.com",
        "\u{fc}\r\nBcc: eve@example.com",
        "moc.elpmaxe\u{202e}",
        "",
    ] {
        let said = Content {
            subject: subject.to_owned(),
            text: "text".to_owned(),
            html: None,
        };
        let by_template = testing::message_by(
            MessageKind::ResetPassword,
            "ada@example.com",
            Some(&Says(said.clone())),
        );
        let letter = post.send(&by_template).await.unwrap();
        let mail = MessageParser::default().parse(&letter.bytes).unwrap();
        assert_eq!(mail.subject(), Some("Reset your password"), "{subject:?}");

        // A mailer of the application's may pass on what it has changed.
        let mut changed = by_template;
        changed.content = said;
        assert!(post.send(&changed).await.is_none(), "{subject:?}");
        changed.id = "x>\r\nBcc: eve@example.com".to_owned();
        assert!(post.send(&changed).await.is_none());
    }
    for text in [
        "one\r\n.\r\nMAIL FROM:<eve@example.com>\r\nRCPT TO:<eve@example.com>\r\nDATA\r\n",
        "one\n.\nMAIL FROM:<eve@example.com>",
        "one\r.\rMAIL FROM:<eve@example.com>",
        "one\n.\r\nMAIL FROM:<eve@example.com>",
        "one\r\n.\nMAIL FROM:<eve@example.com>",
        "one\r\n\0.\r\n",
        ".",
    ] {
        let said = Content {
            subject: "Hello".to_owned(),
            text: text.to_owned(),
            html: Some(text.to_owned()),
        };
        let mut message = testing::message_by(
            MessageKind::ResetPassword,
            "ada@example.com",
            Some(&Says(said)),
        );
        // Not through `render`, which has brought the ends of its lines into one form.
        message.content.text = text.to_owned();
        message.content.html = Some(text.to_owned());
        let received = post
            .mailer
            .send(&message)
            .await
            .map(|()| post.server.received())
            .unwrap();
        let bytes = &received.last().unwrap().bytes;
        assert!(!lone_line_end(bytes), "{text:?}");
        let mail = MessageParser::default().parse(bytes).unwrap();
        let plain = text
            .replace("\r\n", "\n")
            .replace('\r', "\n")
            .replace('\0', "");
        assert_eq!(
            mail.body_text(0).unwrap().replace("\r\n", "\n").trim_end(),
            plain.trim_end(),
            "{text:?}"
        );
        assert_eq!(received.last().unwrap().to, ["ada@example.com"]);
    }
    // Each of them one message, to one recipient.
    assert!(
        post.server
            .received()
            .iter()
            .all(|letter| letter.to == ["ada@example.com"])
    );
}
