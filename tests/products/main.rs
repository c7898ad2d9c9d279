//! What only one database product can do, or does in its own way.
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

#[path = "../support/role.rs"]
mod role;
#[path = "../support/server.rs"]
mod server;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/wild.rs"]
mod wild;

mod one_product;
mod postgres_columns;
mod postgres_roles;
mod postgres_start;
mod postgres_tables;
mod postgres_tls;
mod uuid_drift;
mod uuids;
