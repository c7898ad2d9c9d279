//! The runtime half of crudauth: hashing and token primitives, stores, flows, and the HTTP mapping of each feature.
//!
//! Applications use the `crudauth` crate, which re-exports what is public here; expanded code names only
//! [`__private`].

#[doc(hidden)]
pub mod __private;
pub mod account;
mod attempt;
mod authenticate;
pub mod authority;
pub mod builder;
pub mod clock;
pub mod crypto;
mod device;
mod elevated;
pub mod engine;
mod enrol;
pub mod error;
pub mod features;
pub mod guard;
pub mod handles;
pub mod hooks;
pub mod http;
pub mod identity;
pub mod judge;
pub mod links;
pub mod mail;
#[cfg(feature = "oauth")]
pub mod oauth;
mod outbox;
pub mod policy;
pub mod principal;
pub mod routes;
pub mod routing;
pub mod secret;
mod settings;
pub mod start;
pub mod store;
pub mod testing;
pub mod toolbox;
pub mod transport;
mod waiting;
mod workers;

pub use authority::Authority;
pub use error::{Error, Result};
pub use principal::{Principal, Public};
