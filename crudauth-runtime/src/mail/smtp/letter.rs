//! One message as it goes over the wire.

use lettre::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message as Mail, MultiPart, SinglePart};

use crate::mail::templates::fit;
use crate::mail::{Content, Message};

/// Who writes.
pub(super) struct Sender {
    pub(super) from: Mailbox,
    pub(super) reply_to: Option<Mailbox>,
}

/// Envelope and content.
pub(super) struct Letter {
    pub(super) from: Address,
    pub(super) to: Address,
    pub(super) bytes: Vec<u8>,
}

impl Letter {
    /// # Errors
    /// Why this message can never be sent, without the address.
    pub(super) fn new(sender: &Sender, message: &Message) -> Result<Self, &'static str> {
        let to: Address = message
            .to
            .parse()
            .map_err(|_| "mail cannot be addressed to this recipient")?;
        let from = sender.from.email.clone();
        if !message.id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err("the message's id has other characters than letters and digits");
        }
        // Ours have been through it; a `Mailer` of the application's may pass on what has not.
        let Content {
            subject,
            text,
            html,
        } = fit(message.content.clone())?;
        let mut mail = Mail::builder()
            .from(sender.from.clone())
            .to(Mailbox::new(None, to.clone()))
            .subject(subject)
            .message_id(Some(format!("<{}@{}>", message.id, from.domain())))
            // RFC 3834 §5: no machine is to answer it.
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ));
        if let Some(reply_to) = &sender.reply_to {
            mail = mail.reply_to(reply_to.clone());
        }
        let mail = match html {
            // The last part is the one that a mail program shows if it can (RFC 2046 §5.1.4).
            Some(html) => mail.multipart(MultiPart::alternative_plain_html(text, html)),
            None => mail.singlepart(SinglePart::plain(text)),
        };
        let bytes = mail
            .map_err(|_| "the message cannot be written as mail")?
            .formatted();
        Ok(Self { from, to, bytes })
    }

    /// Whether the server has to know SMTPUTF8 (RFC 6531).
    pub(super) fn needs_utf8(&self) -> bool {
        let to: &str = self.to.as_ref(); // the sender's is ASCII: `mailbox` has seen to it
        !to.is_ascii()
    }

    pub(super) fn needs_8bit(&self) -> bool {
        !self.bytes.is_ascii()
    }
}
