//! Our end of a conversation with a mail server.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    reason = "shared by test binaries that each use a part"
)]

use std::time::Duration;

use crudauth::mail::{Message, MessageKind, SendError, SmtpMailer};
use crudauth::testing;

use crate::smtp::SmtpServer;

pub const FROM: &str = "Example Shop <no-reply@shop.example>";

pub fn mailer(server: &SmtpServer) -> SmtpMailer {
    SmtpMailer::builder(&server.url(), FROM)
        .root_certificate(server.authority.as_bytes())
        .build()
        .unwrap()
}

/// One that is quick to give up.
pub fn hasty(server: &SmtpServer) -> SmtpMailer {
    SmtpMailer::builder(&server.url(), FROM)
        .root_certificate(server.authority.as_bytes())
        .timeout(Duration::from_millis(400))
        .build()
        .unwrap()
}

pub fn reset() -> Message {
    testing::message(MessageKind::ResetPassword, "ada@example.com")
}

pub fn verify() -> Message {
    let mut message = testing::message(MessageKind::VerifyEmail, "bob@example.com");
    message.id = "f".repeat(32);
    message
}

pub fn temporary(outcome: Result<(), SendError>) -> String {
    match outcome {
        Err(SendError::Temporary(why)) => why.to_string(),
        other => panic!("not a temporary failure: {other:?}"),
    }
}

pub fn permanent(outcome: Result<(), SendError>) -> String {
    match outcome {
        Err(SendError::Permanent(why)) => why.to_string(),
        other => panic!("not a permanent failure: {other:?}"),
    }
}
