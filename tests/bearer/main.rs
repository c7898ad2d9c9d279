//! Tokens: signing in for one, carrying it, renewing it, and what ends it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]
#![allow(unreachable_pub, reason = "nobody links to a test")]

#[path = "../support/families.rs"]
mod families;
#[path = "../support/forge.rs"]
mod forge;
#[path = "../support/forged.rs"]
mod forged;
#[path = "../support/fuzz.rs"]
mod fuzz;
#[path = "../support/mailed.rs"]
mod mailed;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tokens.rs"]
mod tokens;

mod bearer;
mod bearer_attacks;
mod bearer_fuzz;
mod bearer_lives;
mod families_races;
mod family_store;
mod refresh_cookies;
mod refresh_hangups;
mod refresh_keys;
mod refresh_options;
mod refresh_races;
mod revocation;
mod token_ends;
mod token_sign_in;
mod transports;
