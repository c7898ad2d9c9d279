//! Time and memory. One test at a time: each of these measures the machine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]
#![allow(unreachable_pub, reason = "nobody links to a test")]

#[path = "../support/mod.rs"]
mod support;
#[path = "../support/timing.rs"]
mod timing;
#[path = "../support/turn.rs"]
mod turn;
#[path = "../support/wire.rs"]
mod wire;

mod http_limits;
mod load;
mod login_timing;
mod password_load;
mod recovery_timing;
