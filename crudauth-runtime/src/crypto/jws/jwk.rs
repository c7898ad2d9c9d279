//! Public keys as JSON (RFC 7517, 7518 §6, 8037 §2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, EllipticCurveKeyParameters,
    EllipticCurveKeyType, Jwk, JwkSet, KeyAlgorithm, KeyOperations, OctetKeyPairParameters,
    OctetKeyPairType, PublicKeyUse, RSAKeyParameters, RSAKeyType,
};
use sha2::{Digest, Sha256};

use super::header::{Alg, is_kid};
use super::json;
use super::keys::VerifyingKey;
use super::ring::PublicKey;
use crate::error::{Error, Result};

/// Members of keys that can sign (RFC 7518 §6.2.2, 6.3.2, 6.4.1).
pub(super) const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

impl VerifyingKey {
    /// A public key as JSON: one of the `keys` that `/.well-known/jwks.json` showed, for instance.
    ///
    /// # Errors
    /// [`Error::Config`] unless it is an Ed25519, P-256 or RSA key for signatures, strong enough, of the algorithm that it
    /// says, and public.
    pub fn jwk(text: &str) -> Result<Self> {
        let refuse = |why: &str| Error::config(format!("a JWK for access tokens: {why}"));
        let value =
            json::parse(text.as_bytes()).ok_or_else(|| refuse("it is not one JSON object"))?;
        if PRIVATE.iter().any(|name| value.get(*name).is_some()) {
            return Err(refuse("it is a private key; keep the public half only"));
        }
        let jwk: Jwk = serde_json::from_value(value)
            .map_err(|_| refuse("its members are not those of RFC 7517"))?;
        let CommonParameters {
            public_key_use,
            key_operations,
            key_algorithm,
            key_id,
            ..
        } = &jwk.common;
        if !matches!(public_key_use, None | Some(PublicKeyUse::Signature))
            || key_operations
                .as_ref()
                .is_some_and(|all| !all.contains(&KeyOperations::Verify))
        {
            return Err(refuse("it is not meant for verifying"));
        }
        if key_id.as_deref().is_some_and(|kid| !is_kid(kid)) {
            return Err(refuse("its `kid` is not 1 to 64 visible ASCII characters"));
        }
        let key = read(&jwk.algorithm).map_err(refuse)?;
        // RSA keys serve several algorithms, and say which.
        let said = match (key_algorithm, key.alg()) {
            (None, Alg::Rs256) => false,
            (None, _) => true,
            (Some(said), own) => *said == name(own),
        };
        if !said {
            return Err(refuse(
                "its `alg` is not the one of its kind: EdDSA, ES256 or RS256",
            ));
        }
        Self::public(key, key_id.as_deref())
    }
}

pub(super) fn read(key: &AlgorithmParameters) -> Result<PublicKey, &'static str> {
    const ODD: &str = "its numbers are not in the form of RFC 7518";
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| ODD);
    match key {
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            PublicKey::ed25519(&bytes(&key.x)?).ok_or(ODD)
        }
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            let (x, y) = (bytes(&key.x)?, bytes(&key.y)?);
            if x.len() != y.len() {
                return Err(ODD);
            }
            PublicKey::es256(&[&[4], x.as_slice(), &y].concat()).ok_or(ODD)
        }
        AlgorithmParameters::RSA(key) => PublicKey::rs256(bytes(&key.n)?, bytes(&key.e)?),
        _ => Err("only Ed25519, P-256 and RSA keys are understood"),
    }
}

/// The public keys among `keys`.
pub(super) fn set<'a>(keys: impl Iterator<Item = &'a VerifyingKey>) -> JwkSet {
    let keys = keys
        .filter_map(|key| {
            let public = key.public_half()?;
            Some(Jwk {
                common: CommonParameters {
                    public_key_use: Some(PublicKeyUse::Signature),
                    key_algorithm: Some(name(key.alg)),
                    key_id: key.kid.as_deref().map(str::to_owned),
                    ..CommonParameters::default()
                },
                algorithm: write(public),
            })
        })
        .collect();
    JwkSet { keys }
}

/// The name that a key has by itself (RFC 7638): the digest of its required members, in the order of their names.
pub(super) fn thumbprint(key: &PublicKey) -> String {
    let members = match write(key) {
        AlgorithmParameters::OctetKeyPair(key) => {
            format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, key.x)
        }
        AlgorithmParameters::EllipticCurve(key) => format!(
            r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#,
            key.x, key.y
        ),
        AlgorithmParameters::RSA(key) => {
            format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, key.e, key.n)
        }
        _ => String::new(), // `write` makes these three
    };
    URL_SAFE_NO_PAD.encode(Sha256::digest(members))
}

fn write(key: &PublicKey) -> AlgorithmParameters {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    match key {
        PublicKey::Ed25519(x) => AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
            key_type: OctetKeyPairType::OctetKeyPair,
            curve: EllipticCurve::Ed25519,
            x: text(x),
        }),
        PublicKey::Es256([_, point @ ..]) => {
            let (x, y) = point.split_at(point.len() / 2);
            AlgorithmParameters::EllipticCurve(EllipticCurveKeyParameters {
                key_type: EllipticCurveKeyType::EC,
                curve: EllipticCurve::P256,
                x: text(x),
                y: text(y),
            })
        }
        PublicKey::Rs256(key) => AlgorithmParameters::RSA(RSAKeyParameters {
            key_type: RSAKeyType::RSA,
            n: text(&key.n),
            e: text(&key.e),
        }),
    }
}

pub(super) const fn name(alg: Alg) -> KeyAlgorithm {
    match alg {
        Alg::Hs256 => KeyAlgorithm::HS256,
        Alg::EdDsa => KeyAlgorithm::EdDSA,
        Alg::Es256 => KeyAlgorithm::ES256,
        Alg::Rs256 => KeyAlgorithm::RS256,
    }
}
