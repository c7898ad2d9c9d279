//! What is logged, at the most talkative level. One test at a time: the log is the process's.

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
#[path = "../support/forge.rs"]
mod forge;
#[path = "../support/http.rs"]
mod http;
#[path = "../support/log.rs"]
mod log;
#[path = "../support/mailed.rs"]
mod mailed;
#[path = "../support/oidc.rs"]
mod oidc;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tokens.rs"]
mod tokens;

mod bearer_logs;
mod logs;
mod oauth_logs;
mod password_rules;
mod recovery_logs;
mod refresh;
