//! Recovery: verification, reset and change of address.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]
#![allow(unreachable_pub, reason = "nobody links to a test")]

#[path = "../support/channel.rs"]
mod channel;
#[path = "../support/explorer/mod.rs"]
mod explorer;
#[path = "../support/fuzz.rs"]
mod fuzz;
#[path = "../support/mailed.rs"]
mod mailed;
#[path = "../support/mod.rs"]
mod support;

mod email_change;
mod email_change_undo;
mod prehijack;
mod recovery;
mod recovery_both;
mod recovery_explorer;
mod recovery_fuzz;
mod recovery_hooks;
mod recovery_links;
mod recovery_messages;
mod recovery_phone;
mod recovery_redirects;
mod recovery_requests;
mod recovery_sign_up;
mod recovery_silence;
mod require_verified;
