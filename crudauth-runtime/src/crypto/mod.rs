//! Bytes in, bytes out: hashing, keys, random text.

pub mod compare;
pub mod keys;
pub mod random;

pub use keys::{Purpose, RootKeys};
pub use random::Random;
