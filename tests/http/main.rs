//! The wire: routes, guards, answers, the server, and the contract.

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
#[path = "../support/fuzz.rs"]
mod fuzz;
#[path = "../support/handover.rs"]
mod handover;
#[path = "../support/http.rs"]
mod http;
#[path = "../support/oidc.rs"]
mod oidc;
#[path = "../support/sentences.rs"]
mod sentences;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/wire.rs"]
mod wire;
#[path = "../support/world.rs"]
mod world;

mod contract;
mod contract_oauth;
mod contract_shapes;
mod contract_tokens;
mod guard_requests;
mod guard_routes;
mod guards;
mod http_answers;
mod http_fuzz;
mod routing;
mod serve;
mod serve_shutdown;
