//! HS256 under a key of the application's own (RFC 7518 §3.2).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::crypto::{compare, keys};
use crate::error::{Error, Result};

/// A key whose blocks are hashed already. `sha2` and `hmac` wipe it (their feature `zeroize`).
#[derive(Clone)]
pub(super) struct HmacKey(Hmac<Sha256>);

impl HmacKey {
    /// The bytes of `secret` are the key, as they are: other services that check our tokens hold the same text.
    pub(super) fn new(secret: &str) -> Result<Self> {
        if let Some(weakness) = keys::weakness(secret) {
            return Err(Error::config(format!(
                "the HS256 key for access tokens {weakness}; {}",
                keys::ADVICE
            )));
        }
        Self::of(secret.as_bytes())
    }

    /// A key of any bytes, for vectors of tests, and for `new`.
    pub(super) fn of(bytes: &[u8]) -> Result<Self> {
        Hmac::new_from_slice(bytes)
            .map(Self)
            .map_err(|error| Error::config(format!("the HS256 key for access tokens: {error}")))
    }

    pub(super) fn sign(&self, input: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(input);
        mac.finalize().into_bytes().into()
    }

    pub(super) fn verify(&self, input: &[u8], signature: &[u8]) -> bool {
        compare::equal(&self.sign(input), signature)
    }
}
