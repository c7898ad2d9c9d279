//! Signing in by a provider: the journey, whose account it opens, and what a hostile provider or visitor gets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]
#![allow(unreachable_pub, reason = "nobody links to a test")]

#[path = "../support/channel.rs"]
mod channel;
#[path = "../support/elsewhere.rs"]
mod elsewhere;
#[path = "../support/everywhere.rs"]
mod everywhere;
#[path = "../support/handover.rs"]
mod handover;
#[path = "../support/http.rs"]
mod http;
#[path = "../support/linked.rs"]
mod linked;
#[path = "../support/mailed.rs"]
mod mailed;
#[path = "../support/oidc.rs"]
mod oidc;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tokens.rs"]
mod tokens;
#[path = "../support/wrong.rs"]
mod wrong;

mod built_in;
mod column_tables;
mod columns;
mod crowd;
mod exchange;
mod hijack;
mod hostile;
mod hostile_calls;
mod identities;
mod identity_lives;
mod journeys;
mod kinds;
mod landings;
mod linking;
mod loopback;
mod matrix;
mod names;
mod paths;
mod recovered;
mod replay;
mod states;
mod untrusted;
mod ways;
mod words;
