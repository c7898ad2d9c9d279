//! Crowds at one database product, in the way that only that product knows. One test at a time: each fills the machine.
//!
//! Runs once: each product in its place, whatever the product under test.

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
#[path = "../support/turn.rs"]
mod turn;

mod contention;
mod sqlite_writers;
