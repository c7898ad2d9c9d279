//! What the repository promises about itself: its layers, its rules, its texts.
//!
//! Runs once: sources and texts are what is tested.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]
#![allow(unreachable_pub, reason = "nobody links to a test")]

mod defaults;
mod frontend_url;
mod layers;
mod readme;
mod registry;
mod sec_numbers;
mod supply;
