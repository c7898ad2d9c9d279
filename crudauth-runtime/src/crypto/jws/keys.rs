//! The keys of access tokens: one signs, it and those before it verify.

use std::fmt;

use time::OffsetDateTime;

use super::header::{self, Alg, MAX_KID};
use super::hmac::HmacKey;
#[cfg(feature = "asymmetric")]
use super::{
    jwk,
    ring::{KeyPair, PublicKey},
};
use crate::clock::Timestamp;
use crate::crypto::{Purpose, RootKeys};
use crate::error::{Error, Result};
use crate::secret::SecretText;

/// What access tokens are signed with, and what else they are verified with. Given to the builder, or while the
/// application runs.
///
/// ```
/// # fn main() -> crudauth_runtime::Result<()> {
/// # use crudauth_runtime::crypto::jws::SigningKeys;
/// # let (new, old) = ("kZ6tR1vBq8yNc3xMw7kPs5gDj2fLa9eU", "7Yc1Vb0pQ3nXzT5rKe8uGm2sWj9dLf4h");
/// # let tomorrow = time::macros::datetime!(2026-11-22 12:00 UTC);
/// let keys = SigningKeys::hs256(new)?
///     .kid("2026-11")?
///     .also_verify(SigningKeys::hs256(old)?.kid("2026-05")?, tomorrow)?;
/// # Ok(())
/// # }
/// ```
///
/// # Security
/// Every key has one algorithm, and a token is only held against keys of the name (`kid`) that it carries, or against
/// those without a name if it has none. So what a token says of itself chooses no algorithm (RFC 8725 §3.1). Redacted in
/// `Debug`.
pub struct SigningKeys {
    pub(super) signer: Signer,
    pub(super) active: VerifyingKey,
    pub(super) others: Vec<Retiring>,
}

/// A key that verifies and cannot sign: the public half of a pair, or an HS256 key that is used for nothing else.
pub struct VerifyingKey {
    pub(super) alg: Alg,
    pub(super) kid: Option<Box<str>>,
    /// What its tokens begin with, for each of [`USUAL`].
    segments: [Box<str>; USUAL.len()],
    verifier: Verifier,
}

/// A key that verifies up to an instant.
pub(super) struct Retiring {
    pub(super) key: VerifyingKey,
    until: Timestamp,
}

pub(super) enum Signer {
    Hmac(HmacKey),
    #[cfg(feature = "asymmetric")]
    Pair(Box<KeyPair>),
}

enum Verifier {
    Hmac(HmacKey),
    #[cfg(feature = "asymmetric")]
    Public(PublicKey),
}

/// Types of token whose header is written once.
const USUAL: [&str; 2] = ["JWT", "at+jwt"];

impl SigningKeys {
    /// The algorithm of the key that signs.
    #[must_use]
    pub const fn alg(&self) -> Alg {
        self.active.alg
    }

    /// HS256: whoever verifies can sign. The bytes of `secret` are the key, at least 32.
    ///
    /// # Errors
    /// [`Error::Config`] if it is shorter, or looks like a placeholder.
    pub fn hs256(secret: impl Into<SecretText>) -> Result<Self> {
        let key = HmacKey::new(secret.into().expose())?;
        Self::symmetric(key)
    }

    /// HS256 under keys that are derived from the root secrets for one `issuer`: the first signs, every one of them verifies.
    /// Another authority over the same secrets has other keys, so that its account 1 is not ours.
    pub(super) fn derived(roots: &RootKeys, issuer: &str) -> Result<Self> {
        let mut keys = roots
            .macs(Purpose::AccessToken, issuer.as_bytes())
            .map(|key| HmacKey::of(&key));
        let first = keys
            .next()
            .ok_or_else(|| Error::config("no secret is set"))?;
        let mut derived = Self::symmetric(first?)?;
        for key in keys {
            derived.others.push(Retiring {
                key: VerifyingKey::new(Alg::Hs256, None, Verifier::Hmac(key?))?,
                until: Timestamp::from_micros(i64::MAX),
            });
        }
        Ok(derived)
    }

    fn symmetric(key: HmacKey) -> Result<Self> {
        Ok(Self {
            active: VerifyingKey::new(Alg::Hs256, None, Verifier::Hmac(key.clone()))?,
            signer: Signer::Hmac(key),
            others: Vec::new(),
        })
    }

    /// A pair of keys, of which `public` is one half.
    #[cfg(feature = "asymmetric")]
    pub(super) fn pair(pair: KeyPair, public: VerifyingKey) -> Self {
        Self {
            signer: Signer::Pair(Box::new(pair)),
            active: public,
            others: Vec::new(),
        }
    }

    /// Names the key that signs: the `kid` of every token. A pair of keys has its RFC 7638 thumbprint for a name unless it
    /// is given another; an HS256 key has none.
    ///
    /// # Errors
    /// [`Error::Config`] unless the name has 1 to 64 visible ASCII characters that name no other key here.
    pub fn kid(mut self, kid: impl Into<String>) -> Result<Self> {
        let kid = kid.into();
        if !header::is_kid(&kid) {
            return Err(Error::config(format!(
                "a `kid` has 1 to {MAX_KID} visible ASCII characters"
            )));
        }
        self.active = VerifyingKey::new(self.active.alg, Some(&kid), self.active.verifier)?;
        self.distinct()
    }

    /// Also accepts the tokens of `other` before the instant `until`, and refuses them from then on. Keep a key this long
    /// after it has signed: the lifetime of an access token.
    ///
    /// Of [`SigningKeys`] it is the key that signs that is taken, not those it was told to verify with.
    ///
    /// # Errors
    /// [`Error::Config`] if the key has the name of another one here.
    pub fn also_verify(
        mut self,
        other: impl Into<VerifyingKey>,
        until: OffsetDateTime,
    ) -> Result<Self> {
        let micros = until.unix_timestamp_nanos() / 1000;
        let until = Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX));
        self.others.push(Retiring {
            key: other.into(),
            until,
        });
        self.distinct()
    }

    fn distinct(self) -> Result<Self> {
        let mut names: Vec<&str> = self.all().filter_map(|key| key.kid.as_deref()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(Error::config(
                "two keys for access tokens have one `kid`; give one of them another with `.kid(…)`",
            ));
        }
        Ok(self)
    }

    fn all(&self) -> impl Iterator<Item = &VerifyingKey> {
        std::iter::once(&self.active).chain(self.others.iter().map(|other| &other.key))
    }

    /// The keys that verify at the instant `now`.
    pub(super) fn live(&self, now: Timestamp) -> impl Iterator<Item = &VerifyingKey> {
        let others = self.others.iter().filter(move |other| now < other.until);
        std::iter::once(&self.active).chain(others.map(|other| &other.key))
    }
}

impl VerifyingKey {
    fn new(alg: Alg, kid: Option<&str>, verifier: Verifier) -> Result<Self> {
        let segment = |typ| header::segment(alg, typ, kid).map(String::into_boxed_str);
        let [first, second] = USUAL;
        Ok(Self {
            alg,
            kid: kid.map(Box::from),
            segments: [segment(first)?, segment(second)?],
            verifier,
        })
    }

    /// A public key, which is named by its thumbprint unless it has another name.
    #[cfg(feature = "asymmetric")]
    pub(super) fn public(key: PublicKey, kid: Option<&str>) -> Result<Self> {
        let own = jwk::thumbprint(&key);
        Self::new(key.alg(), Some(kid.unwrap_or(&own)), Verifier::Public(key))
    }

    /// A secret of any bytes.
    #[cfg(all(test, feature = "asymmetric"))]
    pub(super) fn hmac(key: HmacKey, kid: Option<&str>) -> Result<Self> {
        Self::new(Alg::Hs256, kid, Verifier::Hmac(key))
    }

    /// What anybody may see of it.
    #[cfg(feature = "asymmetric")]
    pub(super) const fn public_half(&self) -> Option<&PublicKey> {
        match &self.verifier {
            Verifier::Public(key) => Some(key),
            Verifier::Hmac(_) => None,
        }
    }

    /// What the tokens of this key and type begin with, where it is written already.
    pub(super) fn segment(&self, typ: &str) -> Option<&str> {
        let at = USUAL.iter().position(|usual| *usual == typ)?;
        Some(self.segments.get(at)?)
    }

    /// Whether a token with this header would be ours to verify.
    pub(super) fn is_named_by(&self, header: &header::Header) -> bool {
        self.kid.as_deref() == header.kid.as_deref() && self.alg.name() == header.alg
    }

    pub(super) fn verify(&self, input: &[u8], signature: &[u8]) -> bool {
        match &self.verifier {
            Verifier::Hmac(key) => key.verify(input, signature),
            #[cfg(feature = "asymmetric")]
            Verifier::Public(key) => key.verify(input, signature),
        }
    }
}

impl From<SigningKeys> for VerifyingKey {
    /// Forgets how to sign.
    fn from(keys: SigningKeys) -> Self {
        keys.active
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (alg, others) = (self.active.alg.name(), self.others.len());
        write!(f, "SigningKeys([redacted]; {alg}, {others} more to verify)")
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey([redacted]; {})", self.alg.name())
    }
}
