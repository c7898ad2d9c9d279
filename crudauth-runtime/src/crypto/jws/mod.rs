//! Signed tokens in the compact form (RFC 7515 §7.1), read as RFC 8725 asks for.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use self::header::Header;
use self::keys::Signer;
use super::{RootKeys, json};
use crate::clock::Timestamp;
use crate::error::{Error, Result};

#[cfg(feature = "oauth")]
pub(crate) use self::foreign::{ForeignKeys, ForeignToken, Judgement};
pub use self::header::{Alg, MAX_KID};
pub use self::keys::{SigningKeys, VerifyingKey};

#[cfg(feature = "oauth")]
mod foreign;
mod header;
mod hmac;
#[cfg(feature = "asymmetric")]
mod jwk;
mod keys;
#[cfg(feature = "asymmetric")]
mod pkcs8;
#[cfg(feature = "asymmetric")]
mod ring;
#[cfg(feature = "asymmetric")]
mod rsa;

/// Most characters of a token: what is longer is refused before it is looked at.
pub const MAX_TOKEN: usize = 8 * 1024;

/// The keys in force, which may be replaced while requests are served.
pub struct TokenKeys(RwLock<Arc<SigningKeys>>);

/// What a signature was good for.
#[derive(Debug)]
pub struct Verified {
    payload: Vec<u8>,
}

impl TokenKeys {
    /// HS256 under keys that are derived from the root secrets for one `issuer`, which no other authority is: the first signs,
    /// every one of them verifies.
    ///
    /// # Errors
    /// None in practice; [`Error::Config`] if a header cannot be written.
    pub fn derived(roots: &RootKeys, issuer: &str) -> Result<Self> {
        SigningKeys::derived(roots, issuer).map(Self::of)
    }

    /// Keys of the application's own.
    #[must_use]
    pub fn of(keys: SigningKeys) -> Self {
        Self(RwLock::new(Arc::new(keys)))
    }

    /// Signs with, and verifies with, `keys` and nothing else from now on. Requests that are being answered end with the
    /// keys that they began with.
    pub fn replace(&self, keys: SigningKeys) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// The algorithm of the key that signs.
    #[must_use]
    pub fn alg(&self) -> Alg {
        self.current().active.alg
    }

    /// A token of this type with these claims.
    ///
    /// # Errors
    /// [`Error::Config`] if the claims are no JSON, or make a token that nobody would read; [`Error::Random`] if an
    /// algorithm that needs random bytes gets none.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String> {
        let keys = self.current();
        let payload = serde_json::to_vec(claims)
            .map_err(|error| Error::config(format!("the claims of a token: {error}")))?;
        let mut token = String::with_capacity(payload.len() * 2 + 256);
        match keys.active.segment(typ) {
            Some(written) => token.push_str(written),
            None => token.push_str(&header::segment(
                keys.active.alg,
                typ,
                keys.active.kid.as_deref(),
            )?),
        }
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(&payload, &mut token);
        keys.signer.append_signature(&mut token)?;
        if token.len() > MAX_TOKEN {
            return Err(Error::config(format!(
                "a token of {} characters, and none of more than {MAX_TOKEN} is read; give it fewer claims",
                token.len()
            )));
        }
        Ok(token)
    }

    /// The payload of `token`, if it is of this type and signed by a key that verifies at the instant `now`.
    ///
    /// # Security
    /// Nothing in it was looked at, decoded or held against a key before its form was seen to be right. Whatever is wrong,
    /// the answer is the same.
    #[must_use]
    pub fn verify(&self, typ: &str, token: &str, now: Timestamp) -> Option<Verified> {
        let keys = self.current();
        let token = Compact::split(token, MAX_TOKEN)?;
        let written = |key: &&VerifyingKey| key.segment(typ) == Some(token.header);
        let mut signers = keys.live(now).filter(written).peekable();
        let good = if signers.peek().is_some() {
            token.is_signed_by(signers)
        } else {
            let header = Header::parse(token.header, &header::OWN)?;
            header.is_of(typ)
                && token.is_signed_by(keys.live(now).filter(|key| key.is_named_by(&header)))
        };
        good.then_some(Verified {
            payload: token.payload,
        })
    }

    /// The public keys that verify at the instant `now`, as a JWK set (RFC 7517 §5): for whoever checks our tokens without
    /// asking us. Keys that could sign are never in it, so it is empty for HS256.
    #[must_use]
    #[cfg_attr(
        not(feature = "asymmetric"),
        expect(unused_variables, reason = "HS256 has no public keys")
    )]
    pub fn jwks(&self, now: Timestamp) -> String {
        #[cfg(feature = "asymmetric")]
        if let Ok(text) = serde_json::to_string(&jwk::set(self.current().live(now))) {
            return text;
        }
        r#"{"keys":[]}"#.to_owned()
    }

    fn current(&self) -> Arc<SigningKeys> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.current(), f)
    }
}

impl Verified {
    /// The bytes that were signed, between the dots.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The payload as JSON, if it is JSON of one meaning.
    #[must_use]
    pub fn json(&self) -> Option<serde_json::Value> {
        json::parse(&self.payload)
    }
}

/// A token of the right form: three segments, none of them empty, of which two are decoded.
struct Compact<'a> {
    header: &'a str,
    /// Header and payload as they came, which is what is signed.
    input: &'a [u8],
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    fn split(token: &'a str, longest: usize) -> Option<Self> {
        if token.len() > longest {
            return None;
        }
        let (input, signature) = token.rsplit_once('.')?;
        let (header, payload) = input.split_once('.')?;
        if header.is_empty() || payload.is_empty() || signature.is_empty() {
            return None;
        }
        // The engine takes no padding, no other alphabet (a third dot among it), and no bits that are left over: every
        // segment has one spelling.
        Some(Self {
            header,
            input: input.as_bytes(),
            payload: URL_SAFE_NO_PAD.decode(payload).ok()?,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    fn is_signed_by<'k>(&self, mut keys: impl Iterator<Item = &'k VerifyingKey>) -> bool {
        keys.any(|key| key.verify(self.input, &self.signature))
    }
}

impl Signer {
    /// A dot, and the signature of what `token` was so far.
    #[cfg_attr(
        not(feature = "asymmetric"),
        expect(clippy::unnecessary_wraps, reason = "HS256 cannot fail")
    )]
    fn append_signature(&self, token: &mut String) -> Result<()> {
        let mac;
        #[cfg(feature = "asymmetric")]
        let signature;
        let bytes: &[u8] = match self {
            Self::Hmac(key) => {
                mac = key.sign(token.as_bytes());
                &mac
            }
            #[cfg(feature = "asymmetric")]
            Self::Pair(pair) => {
                signature = pair.sign(token.as_bytes())?;
                &signature
            }
        };
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(bytes, token);
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests;
