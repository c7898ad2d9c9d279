//! Passwords, from the form to the hash, and guessing them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]
#![allow(unreachable_pub, reason = "nobody links to a test")]

#[path = "../support/alice.rs"]
mod alice;
#[path = "../support/mod.rs"]
mod support;

mod account_passwords;
mod limits;
mod lockout;
mod lockout_owner;
mod lockout_stop;
mod login_uniform;
mod passwords;
mod set_password;
