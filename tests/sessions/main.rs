//! Cookie sessions: what a browser sends, what it is given, and what ends it.

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
#[path = "../support/pages.rs"]
mod pages;
#[path = "../support/routes.rs"]
mod routes;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/sudo.rs"]
mod world;

mod csrf;
mod csrf_origin;
mod csrf_refresh;
mod form_pages;
mod forms;
mod session_cookies;
mod session_management;
mod session_security;
mod session_store;
mod sessions;
mod sudo;
mod sudo_races;
mod sudo_security;
mod toolbox;
