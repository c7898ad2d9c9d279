//! The features, one folder each: `flow.rs` decides, `routes.rs` translates to HTTP, `mod.rs` declares.

pub mod account;
pub mod bearer;
pub mod email_change;
#[cfg(feature = "oauth")]
pub mod oauth;
pub mod recovery;
pub mod session;
pub mod sudo;

use crate::http::spec::FeatureSpec;

/// Every feature of the runtime, by the name that the macros use.
pub const REGISTRY: &[&FeatureSpec] = &[
    &account::SPEC,
    &bearer::SPEC,
    &email_change::SPEC,
    #[cfg(feature = "oauth")]
    &oauth::SPEC,
    &recovery::SPEC,
    &session::SPEC,
    &sudo::SPEC,
];
