//! What each request asks of the database. One test at a time: the log of statements is the process's.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]
#![allow(unreachable_pub, reason = "nobody links to a test")]

#[path = "../support/elsewhere.rs"]
mod elsewhere;
#[path = "../support/handover.rs"]
mod handover;
#[path = "../support/http.rs"]
mod http;
#[path = "../support/mailed.rs"]
mod mailed;
#[path = "../support/oidc.rs"]
mod oidc;
#[path = "../support/statements.rs"]
mod statements;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tokens.rs"]
mod tokens;

mod bearer_cost;
mod budgets;
mod exchange_cost;
mod guard_statements;
mod oauth_statements;
mod recovery_statements;
mod refresh_store;
mod sudo_statements;
