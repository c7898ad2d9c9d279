//! Secrets of others that have to be read again: encrypted where they lie, bound to the row in which they lie.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::{Purpose, Random, RootKeys};
use crate::error::{Error, Result};

/// Encrypts `plain` by AES-256-GCM under a fresh nonce and the key of the root secret in use. It opens under the same `purpose`
/// and `context` only: what is copied into another row is unreadable there.
///
/// # Errors
/// When the operating system gives no random bytes.
pub fn seal(
    keys: &RootKeys,
    random: &Random,
    purpose: Purpose,
    context: &[u8],
    plain: &[u8],
) -> Result<String> {
    let nonce = random.bytes::<NONCE_LEN>()?;
    let mut sealed = plain.to_vec();
    let tag = key(&Zeroizing::new(keys.mac(purpose, KEY)))
        .and_then(|key| {
            let nonce = Nonce::assume_unique_for_key(nonce);
            key.seal_in_place_separate_tag(nonce, Aad::from(context), &mut sealed)
        })
        .map_err(|_| Error::config("a text that is too long to be encrypted"))?;
    Ok(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed, tag.as_ref()].concat()))
}

/// Reads what [`seal`] wrote under any of the root secrets. `None` for anything else, and for what was sealed under a secret that
/// has been taken away.
#[must_use]
pub fn open(
    keys: &RootKeys,
    purpose: Purpose,
    context: &[u8],
    sealed: &str,
) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
    keys.macs(purpose, KEY).find_map(|mac| {
        let key = key(&Zeroizing::new(mac)).ok()?;
        let mut bytes = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = key.open_in_place(nonce, Aad::from(context), &mut bytes);
        let length = plain.ok()?.len();
        bytes.truncate(length);
        Some(bytes)
    })
}

fn key(bytes: &[u8; 32]) -> std::result::Result<LessSafeKey, ring::error::Unspecified> {
    UnboundKey::new(&AES_256_GCM, bytes).map(LessSafeKey::new)
}

/// What the key of a purpose is derived from.
const KEY: &[u8] = b"aes-256-gcm";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretText;

    const OLD: &str = "old: 7Yc1Vb0pQ3nXzT5rKe8uGm2sWj9dLf4h";
    const NEW: &str = "new: hZ6tR1vBq8yNc3xMw7kPs5gDj2fLa9eU";
    const PURPOSE: Purpose = Purpose::ProviderTokens;

    fn keys(secrets: &[&str]) -> RootKeys {
        RootKeys::new(secrets.iter().map(|text| SecretText::from(*text)).collect()).unwrap()
    }

    fn sealed() -> String {
        let text = b"a token of somebody else's";
        seal(&keys(&[OLD]), &Random::system(), PURPOSE, b"row 1", text).unwrap()
    }

    #[test]
    fn sec_111_what_is_sealed_opens_in_its_row_under_its_secret_and_nowhere_else() {
        let sealed = sealed();
        let opened = |secrets: &[&str], purpose, context: &[u8]| {
            open(&keys(secrets), purpose, context, &sealed).map(|bytes| bytes.to_vec())
        };
        let plain = Some(b"a token of somebody else's".to_vec());
        assert_eq!(opened(&[OLD], PURPOSE, b"row 1"), plain);
        assert_eq!(opened(&[NEW, OLD], PURPOSE, b"row 1"), plain);
        assert_eq!(opened(&[NEW], PURPOSE, b"row 1"), None);
        assert_eq!(opened(&[OLD], PURPOSE, b"row 2"), None);
        assert_eq!(opened(&[OLD], Purpose::OAuth, b"row 1"), None);
    }

    #[test]
    fn sec_111_every_prefix_and_every_changed_bit_is_refused() {
        let (keys, sealed) = (keys(&[OLD]), sealed());
        for end in 0..sealed.len() {
            assert!(open(&keys, PURPOSE, b"row 1", &sealed[..end]).is_none());
        }
        let bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut other = bytes.clone();
                other[at] ^= 1 << bit;
                let other = URL_SAFE_NO_PAD.encode(other);
                assert!(open(&keys, PURPOSE, b"row 1", &other).is_none());
            }
        }
        assert_ne!(sealed, self::sealed(), "a nonce is used once");
    }
}
