//! A model of recovery, and the real thing beside it.
#![allow(
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod compare;
pub mod model;
mod view;
pub mod words;
pub mod world;
