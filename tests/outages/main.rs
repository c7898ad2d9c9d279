//! PostgreSQL that is away, slow, cut off, stopped or started again: 503 in time, and nobody signed out or let in.
//!
//! Runs once: on PostgreSQL, whatever the product under test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]
#![allow(unreachable_pub, reason = "nobody links to a test")]

#[path = "../support/mailed.rs"]
mod mailed;
#[path = "../support/outage.rs"]
mod outage;
#[path = "../support/proxy.rs"]
mod proxy;
#[path = "../support/server.rs"]
mod server;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tokens.rs"]
mod tokens;

mod bearer_outage;
mod postgres_cut;
mod postgres_cut_links;
mod postgres_restart;
mod postgres_slow;
mod postgres_stopped;
mod refresh_faults;
