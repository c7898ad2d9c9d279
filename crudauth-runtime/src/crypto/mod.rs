//! Bytes in, bytes out: hashing, keys, random text.

pub mod common;
pub mod compare;
pub mod keys;
pub mod normalize;
pub mod policy;
pub mod random;

pub use keys::{Purpose, RootKeys};
pub use normalize::{Normalized, TooLong, fold_identifier};
pub use policy::{PasswordContext, PasswordSource, Violation};
pub use random::Random;
