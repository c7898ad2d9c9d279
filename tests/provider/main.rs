//! The included OpenID provider by itself, in a real browser too.
//!
//! Runs once: no application of ours is behind it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]
#![allow(unreachable_pub, reason = "nobody links to a test")]

#[path = "../support/browser.rs"]
mod browser;
#[path = "../support/http.rs"]
mod http;
#[path = "../support/oidc.rs"]
mod oidc;

mod openid_provider;
mod pages;
