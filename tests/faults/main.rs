//! Databases that are locked or broken, crowds, clocks that jump, clients that hang up, flows that meet.

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

mod cancellation;
mod clock_jumps;
mod explorer;
mod faults;
mod interleavings;
mod pool_crowd;
mod pool_patience;
mod races;
