//! Mailers on their own: SMTP, the console, a file, one of the application's.
//!
//! Runs once: no database is asked.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]
#![allow(unreachable_pub, reason = "nobody links to a test")]

#[path = "../support/smtp.rs"]
mod smtp;
#[path = "../support/smtp_client.rs"]
mod smtp_client;

mod mail_injection;
mod mail_senders;
mod mail_smtp;
mod mail_smtp_refused;
