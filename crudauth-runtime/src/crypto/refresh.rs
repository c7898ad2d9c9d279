//! Refresh tokens: each names its family and its generation, and proves both by a MAC.
//!
//! Nothing random is in one but the family's name, so the successor of a token can be written again: whoever lost the
//! answer asks once more and gets the same one. Of every generation a genuine token is told from a guess without keeping
//! any, so an old one that comes back is known for what it is. The row keeps a SHA-256 of the present one's MAC.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::{Purpose, Random, RootKeys, compare};
use crate::error::Result;
use crate::secret::SecretText;

/// A refresh token as it was sent or is about to be: 72 characters of base64url on the wire.
pub struct RefreshToken {
    family: [u8; FAMILY],
    generation: u64,
    mac: [u8; MAC],
}

/// A one-time code in the hands of an app that knows its verifier. Both make the name of the family that it is redeemed for, so
/// that when both come back the family is found, and nothing has to be kept of the code.
#[derive(Debug, Clone, Copy)]
pub struct Redemption {
    /// What names the code's row.
    pub code: [u8; 32],
    pub(super) family: [u8; FAMILY],
}

impl Redemption {
    /// The name of its family.
    #[must_use]
    pub fn family(&self) -> String {
        super::link::name(&self.family)
    }
}

impl RefreshToken {
    /// The first of a new family.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn first(keys: &RootKeys, random: &Random) -> Result<Self> {
        Ok(Self::made(keys, random.bytes::<FAMILY>()?, 0))
    }

    /// The first of the family that a one-time code is redeemed for.
    #[must_use]
    pub fn redeemed(keys: &RootKeys, redemption: &Redemption) -> Self {
        Self::made(keys, redemption.family, 0)
    }

    fn made(keys: &RootKeys, family: [u8; FAMILY], generation: u64) -> Self {
        Self {
            family,
            generation,
            mac: keys.mac(Purpose::Refresh, &message(&family, generation)),
        }
    }

    /// The one after this, under the secret in use.
    #[must_use]
    pub fn next(&self, keys: &RootKeys) -> Self {
        Self::made(keys, self.family, self.generation.saturating_add(1))
    }

    /// The one after this, where it is the one of whose MAC the row keeps `stored`. `None` when none of the keys in force
    /// made it.
    #[must_use]
    pub fn next_of(&self, keys: &RootKeys, stored: &[u8; 32]) -> Option<Self> {
        let generation = self.generation.saturating_add(1);
        let mac = keys
            .macs(Purpose::Refresh, &message(&self.family, generation))
            .find(|mac| compare::equal(&digest(mac), stored))?;
        Some(Self {
            family: self.family,
            generation,
            mac,
        })
    }

    /// Reads what a client sends. `None` for anything that none of the keys in force has made.
    #[must_use]
    pub fn parse(keys: &RootKeys, text: &str) -> Option<Self> {
        if text.len() != CHARS {
            return None;
        }
        let mut bytes = [0; BYTES];
        URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        let (family, rest) = bytes.split_first_chunk::<FAMILY>()?;
        let (counter, mac) = rest.split_first_chunk::<COUNTER>()?;
        let mut wide = [0; 8];
        wide.get_mut(8 - COUNTER..)?.copy_from_slice(counter);
        let token = Self {
            family: *family,
            generation: u64::from_be_bytes(wide),
            mac: mac.try_into().ok()?,
        };
        let message = message(&token.family, token.generation);
        keys.verify(Purpose::Refresh, &message, &token.mac)
            .then_some(token)
    }

    /// As it is sent.
    #[must_use]
    pub fn write(&self) -> SecretText {
        let counter = self.generation.to_be_bytes();
        let counter = counter.get(8 - COUNTER..).unwrap_or_default();
        SecretText::from(URL_SAFE_NO_PAD.encode([&self.family, counter, &self.mac].concat()))
    }

    /// The name of its family: of the row, and of `sid` in access tokens. No secret.
    #[must_use]
    pub fn family(&self) -> String {
        super::link::name(&self.family)
    }

    /// How often the family had been rotated when it was made.
    #[must_use]
    pub fn generation(&self) -> i64 {
        i64::try_from(self.generation).unwrap_or(i64::MAX)
    }

    /// What the row keeps of it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        digest(&self.mac)
    }

    /// Whether it is the one of which the row keeps `stored`. Takes the same time for every token.
    #[must_use]
    pub fn matches(&self, stored: &[u8; 32]) -> bool {
        compare::equal(&self.digest(), stored)
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken([redacted])")
    }
}

fn message(family: &[u8; FAMILY], generation: u64) -> [u8; FAMILY + 8] {
    let mut message = [0; FAMILY + 8];
    let (start, end) = message.split_at_mut(FAMILY);
    start.copy_from_slice(family);
    end.copy_from_slice(&generation.to_be_bytes());
    message
}

fn digest(mac: &[u8; MAC]) -> [u8; 32] {
    Sha256::digest(mac).into()
}

/// Bytes of a family's name.
pub(super) const FAMILY: usize = 16;
/// Bytes of the generation: one rotation a second fills them in nine million years.
const COUNTER: usize = 6;
/// Bytes of the MAC.
const MAC: usize = 32;
/// Bytes of a token.
const BYTES: usize = FAMILY + COUNTER + MAC;
/// Characters of a token: no bits are left over, so every token has one spelling.
const CHARS: usize = BYTES / 3 * 4;

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "old: 7Yc1Vb0pQ3nXzT5rKe8uGm2sWj9dLf4h";
    const NEW: &str = "new: hZ6tR1vBq8yNc3xMw7kPs5gDj2fLa9eU";

    fn keys(secrets: &[&str]) -> RootKeys {
        RootKeys::new(secrets.iter().map(|text| SecretText::from(*text)).collect()).unwrap()
    }

    #[test]
    fn the_successor_can_be_written_again_after_a_change_of_the_root_secret() {
        let old = keys(&[OLD]);
        let first = RefreshToken::first(&old, &Random::system()).unwrap();
        let second = first.next(&old);
        assert_eq!(second.generation(), 1);
        assert_eq!(second.family(), first.family());

        let both = keys(&[NEW, OLD]);
        let again = first.next_of(&both, &second.digest()).unwrap();
        assert_eq!(again.write().expose(), second.write().expose());
        assert!(first.next_of(&keys(&[NEW]), &second.digest()).is_none());
        assert!(first.next(&both).digest() != second.digest());
    }

    #[test]
    fn sec_080_no_other_text_is_read() {
        let keys = keys(&[OLD]);
        let text = RefreshToken::first(&keys, &Random::system())
            .unwrap()
            .write();
        let text = text.expose();
        assert_eq!(text.len(), CHARS);
        assert!(RefreshToken::parse(&keys, text).is_some());
        for at in 0..text.len() {
            assert!(RefreshToken::parse(&keys, &text[..at]).is_none());
            for bit in 0..8 {
                let mut other = text.as_bytes().to_vec();
                other[at] ^= 1 << bit;
                let Ok(other) = String::from_utf8(other) else {
                    continue;
                };
                assert!(RefreshToken::parse(&keys, &other).is_none(), "{other}");
            }
        }
        for odd in [format!("{text}="), format!(" {text}"), format!("{text}\n")] {
            assert!(RefreshToken::parse(&keys, &odd).is_none());
        }
    }

    #[test]
    fn sec_139_a_refresh_token_shows_nothing() {
        let token = RefreshToken::first(&keys(&[OLD]), &Random::system()).unwrap();
        assert_eq!(format!("{token:?}"), "RefreshToken([redacted])");
    }
}
