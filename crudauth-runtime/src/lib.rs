//! The runtime half of crudauth: hashing and token primitives, stores, flows, and the HTTP mapping of each feature.
//!
//! Applications use the `crudauth` crate, which re-exports what is public here; expanded code names only
//! [`__private`].

pub mod account;
pub mod clock;
pub mod crypto;
pub mod error;
pub mod http;
pub mod policy;
pub mod secret;
pub mod store;
