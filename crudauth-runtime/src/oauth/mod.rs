//! The client side of OAuth 2.0 and OpenID Connect: from a declared provider to a profile that it vouches for. No accounts, no
//! routes, no database.

mod credentials;
mod profile;

pub use credentials::{AppleKey, Credentials};
pub use profile::Profile;
