//! A mailer for the terminal of whoever writes the application.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Once;

use futures_util::future::BoxFuture;

use super::{Mailer, Message, SendError};

/// Prints messages to standard error instead of sending them, for development: the link can be clicked in the terminal.
///
/// ```
/// # use crudauth_runtime as crudauth;
/// use crudauth::mail::{ConsoleMailer, Mailer};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), crudauth::mail::SendError> {
/// let mailer = ConsoleMailer::new(); // `.mailer(ConsoleMailer::new())` on the builder
/// # let message = crudauth::testing::message(crudauth::mail::MessageKind::VerifyEmail, "ada@example.com");
/// mailer.send(&message).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Security
/// Whoever reads the output can take over every account that asks for a new password. It says so once in the log. It does
/// not print through `tracing`, so that no link reaches a log collector by way of it.
#[derive(Debug, Clone, Default)]
pub struct ConsoleMailer(());

impl ConsoleMailer {
    /// A mailer that prints.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }
}

impl Mailer for ConsoleMailer {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        static WARNED: Once = Once::new();
        WARNED.call_once(|| {
            tracing::warn!(
                "ConsoleMailer prints links that open accounts: it is for development only"
            );
        });
        Box::pin(async move {
            std::io::stderr()
                .write_all(frame(message).as_bytes())
                .map_err(SendError::temporary)
        })
    }
}

/// In one piece, so that messages of several workers do not run into each other.
fn frame(message: &Message) -> String {
    let mut out = String::from("\n┌─ a message that a mailer would send\n");
    let mut show = |name: &str, value: &str| {
        // What a terminal would take for a command is not printed.
        let value: String = value.chars().filter(|c| !c.is_control()).collect();
        let _ = writeln!(out, "│ {name:<8} {value}");
    };
    show("kind", message.kind().name());
    show("to", &message.to);
    show("subject", &message.content.subject);
    match &message.context.link {
        Some(link) => show("link", link),
        None => show("text", &message.content.text),
    }
    out.push_str("└─\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::{Content, MessageContext, MessageKind};

    fn message(link: Option<&str>) -> Message {
        Message {
            id: "0".repeat(32),
            to: "ada@example.com".to_owned(),
            content: Content {
                subject: "Reset your password".to_owned(),
                text: "some text".to_owned(),
                html: None,
            },
            context: MessageContext {
                kind: MessageKind::ResetPassword,
                link: link.map(str::to_owned),
                recipient: "ada@example.com".to_owned(),
                expires_in: 3600,
                frontend_url: "https://app.example.com".to_owned(),
            },
        }
    }

    #[test]
    fn the_link_stands_in_a_frame() {
        let printed = frame(&message(Some(
            "https://app.example.com/reset-password?token=A",
        )));

        assert_eq!(
            printed,
            "\n┌─ a message that a mailer would send\n│ kind     reset_password\n│ to       ada@example.com\n\
             │ subject  Reset your password\n│ link     https://app.example.com/reset-password?token=A\n└─\n"
        );
    }

    #[test]
    fn a_notice_shows_its_text() {
        assert!(frame(&message(None)).contains("│ text     some text\n"));
    }

    #[test]
    fn sec_095_nothing_commands_the_terminal() {
        let mut message = message(Some("https://app.example.com/\u{1b}[2J\u{9b}2J\u{7}"));
        message.content.subject = "a\r\nb".to_owned();
        let printed = frame(&message);

        assert!(!printed.contains(['\u{1b}', '\u{9b}', '\u{7}', '\r']));
        assert_eq!(printed.lines().count(), 7);
    }
}
