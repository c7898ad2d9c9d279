//! Bytes in, bytes out: hashing, keys, random text.

pub mod access;
pub mod common;
pub mod compare;
pub mod hash;
#[cfg(feature = "oauth")]
pub mod journey;
pub(crate) mod json;
pub mod jws;
pub mod keys;
pub mod link;
pub mod normalize;
pub mod password;
mod phc;
pub mod policy;
mod pool;
mod queue;
pub mod random;
pub mod refresh;
#[cfg(feature = "oauth")]
pub mod seal;

pub use hash::PasswordHash;
pub use keys::{Purpose, RootKeys};
pub use normalize::{Normalized, TooLong, fold_identifier};
pub use password::{Passwords, Verdict};
pub use policy::{PasswordContext, PasswordSource, Violation};
pub use queue::ClientKey;
pub use random::Random;
pub use refresh::{Redemption, RefreshToken};
