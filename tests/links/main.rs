//! Links and the messages that carry them: attacked, raced, interrupted, delivered.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]
#![allow(unreachable_pub, reason = "nobody links to a test")]

#[path = "../support/thread_log.rs"]
mod log;
#[path = "../support/mailed.rs"]
mod mailed;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/smtp.rs"]
mod smtp;
#[path = "../support/mod.rs"]
mod support;

mod links_at_rest;
mod links_attacks;
mod links_crossings;
mod links_dump;
mod links_faults;
mod links_races;
mod mail_outbox;
mod outbox;
mod outbox_faults;
mod outbox_worker;
mod token_confusion;
