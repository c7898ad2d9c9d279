//! Tokens that are forged with the right key, and what is thought of them.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

#[cfg(feature = "asymmetric")]
use super::Compact;
use super::header::{Header, OWN};
use super::hmac::HmacKey;
use super::{Alg, SigningKeys, TokenKeys};
use crate::clock::Timestamp;
use crate::crypto::RootKeys;
use crate::secret::SecretText;

mod forms;
mod headers;
#[cfg(feature = "asymmetric")]
mod mutations;
#[cfg(feature = "asymmetric")]
mod pairs;
#[cfg(feature = "asymmetric")]
mod published;
mod rotation;

pub(in crate::crypto) const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
pub(in crate::crypto) const SECRET: &str = "7Yc1Vb0pQ3nXzT5rKe8uGm2sWj9dLf4h";
const OTHER: &str = "hZ6tR1vBq8yNc3xMw7kPs5gDj2fLa9eU";
const CLAIMS: &[u8] = br#"{"sub":"1"}"#;

#[cfg(feature = "asymmetric")]
const ED25519: &str = include_str!("keys/ed25519.pem");
#[cfg(feature = "asymmetric")]
const ES256: &str = include_str!("keys/es256.pem");
#[cfg(feature = "asymmetric")]
const RS256: &str = include_str!("keys/rs256.pem");

pub(in crate::crypto) fn hs() -> SigningKeys {
    SigningKeys::hs256(SECRET).unwrap()
}

fn roots(secrets: &[&str]) -> RootKeys {
    RootKeys::new(secrets.iter().map(|text| SecretText::from(*text)).collect()).unwrap()
}

/// A set of keys for each algorithm.
fn all() -> Vec<SigningKeys> {
    vec![
        SigningKeys::derived(&roots(&[SECRET]), "auth_ users").unwrap(),
        hs(),
        hs().kid("2026-11").unwrap(),
        #[cfg(feature = "asymmetric")]
        SigningKeys::ed25519_pkcs8_pem(ED25519).unwrap(),
        #[cfg(feature = "asymmetric")]
        SigningKeys::es256_pkcs8_pem(ES256).unwrap(),
        #[cfg(feature = "asymmetric")]
        SigningKeys::rs256_pkcs8_pem(RS256).unwrap(),
    ]
}

/// A token that nobody but a holder of the key could have made, with any header and payload.
pub(in crate::crypto) fn forge(keys: &SigningKeys, header: &str, payload: &[u8]) -> String {
    let mut token = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload)
    );
    keys.signer.append_signature(&mut token).unwrap();
    token
}

/// The header that `keys` write.
fn header(keys: &SigningKeys) -> String {
    let bytes = URL_SAFE_NO_PAD
        .decode(keys.active.segment("JWT").unwrap())
        .unwrap();
    String::from_utf8(bytes).unwrap()
}

/// What `verify` does, but for the type: published vectors have none.
#[cfg(feature = "asymmetric")]
fn verify_untyped(keys: &SigningKeys, token: &str) -> Option<Vec<u8>> {
    let token = Compact::split(token, super::MAX_TOKEN)?;
    let header = Header::parse(token.header, &OWN)?;
    token
        .is_signed_by(keys.live(NOW).filter(|key| key.is_named_by(&header)))
        .then_some(token.payload)
}

#[test]
fn every_key_reads_what_it_wrote_and_nothing_that_another_did() {
    for (own, keys) in all().into_iter().enumerate() {
        let keys = TokenKeys::of(keys);
        for (other, writer) in all().into_iter().enumerate() {
            let writer = TokenKeys::of(writer);
            for typ in ["JWT", "at+jwt", "dpop+jwt"] {
                let token = writer.sign(typ, &[1, 2]).unwrap();
                for asked in ["JWT", "at+jwt", "dpop+jwt"] {
                    let read = keys.verify(asked, &token, NOW);
                    assert_eq!(read.is_some(), own == other && typ == asked, "{token}");
                }
            }
        }
    }
}
