//! Accounts: signing up, what they are called, which columns they have, and the tables under them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]
#![allow(unreachable_pub, reason = "nobody links to a test")]

#[path = "../support/spy.rs"]
mod spy;
#[path = "../support/mod.rs"]
mod support;

mod account_options;
mod account_races;
mod accounts;
mod forged_identity;
mod hooks;
mod hostile_names;
mod imported_names;
mod key_change;
mod keys;
mod schema;
mod shapes;
mod unfilled;
mod unfit_values;
mod updated_at;
mod users_handle;
