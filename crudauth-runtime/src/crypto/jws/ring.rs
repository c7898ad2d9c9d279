//! The algorithms with a pair of keys, over ring.

use ring::agreement::{self, ECDH_P256, EphemeralPrivateKey};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
    RsaPublicKeyComponents, UnparsedPublicKey,
};

use super::header::Alg;
use super::rsa;
use crate::error::{Error, Result};

/// A private key with its public half.
pub(super) enum KeyPair {
    Ed25519(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

/// A public key.
pub(super) enum PublicKey {
    Ed25519([u8; 32]),
    /// An uncompressed point: 4, x, y (SEC 1 §2.3.3).
    Es256([u8; 65]),
    /// Modulus and exponent, which `rsa::check` has looked at.
    Rs256(RsaPublicKeyComponents<Vec<u8>>),
}

impl KeyPair {
    /// Reads a private key in PKCS#8.
    pub(super) fn from_pkcs8(alg: Alg, der: &[u8]) -> Result<Self> {
        let pair = match alg {
            Alg::Hs256 => return Err(unusable(alg, "it is no pair")),
            // Version 1, which OpenSSL writes, holds no public half; where there is one, it is checked.
            Alg::EdDsa => Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Self::Ed25519),
            Alg::Es256 => EcdsaKeyPair::from_pkcs8(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                der,
                &SystemRandom::new(),
            )
            .map(Self::Es256),
            Alg::Rs256 => RsaKeyPair::from_pkcs8(der).map(Self::Rs256), // 2048 to 4096 bits, an exponent of 65537 or more
        };
        pair.map_err(|rejected| unusable(alg, &rejected.to_string()))
    }

    pub(super) fn public(&self) -> Result<PublicKey> {
        let odd = |alg| unusable(alg, "its public half has another size");
        match self {
            Self::Ed25519(pair) => {
                PublicKey::ed25519(pair.public_key().as_ref()).ok_or_else(|| odd(Alg::EdDsa))
            }
            Self::Es256(pair) => {
                PublicKey::es256(pair.public_key().as_ref()).ok_or_else(|| odd(Alg::Es256))
            }
            Self::Rs256(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                PublicKey::rs256(public.n, public.e)
                    .map_err(|weakness| unusable(Alg::Rs256, weakness))
            }
        }
    }

    pub(super) fn sign(&self, input: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Ed25519(pair) => Ok(pair.sign(input).as_ref().to_vec()),
            Self::Es256(pair) => pair
                .sign(&SystemRandom::new(), input)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| Error::Random),
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(
                    &RSA_PKCS1_SHA256,
                    &SystemRandom::new(), // blinds; the signature is the same each time
                    input,
                    &mut signature,
                )
                .map_err(|_| Error::Random)?;
                Ok(signature)
            }
        }
    }
}

impl PublicKey {
    pub(super) fn ed25519(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::Ed25519)
    }

    /// `None` unless it is a point of the curve, in the uncompressed form.
    pub(super) fn es256(point: &[u8]) -> Option<Self> {
        // ring looks at a point when it is used; agreeing on a secret with it is a use that needs no signature.
        let passer_by = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).ok()?;
        let peer = agreement::UnparsedPublicKey::new(&ECDH_P256, point);
        agreement::agree_ephemeral(passer_by, &peer, |_| ()).ok()?;
        point.try_into().ok().map(Self::Es256)
    }

    pub(super) fn rs256(n: Vec<u8>, e: Vec<u8>) -> Result<Self, &'static str> {
        rsa::check(&n, &e)?;
        Ok(Self::Rs256(RsaPublicKeyComponents { n, e }))
    }

    pub(super) const fn alg(&self) -> Alg {
        match self {
            Self::Ed25519(_) => Alg::EdDsa,
            Self::Es256(_) => Alg::Es256,
            Self::Rs256(_) => Alg::Rs256,
        }
    }

    pub(super) fn verify(&self, input: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(input, signature),
            Self::Es256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(input, signature)
            }
            Self::Rs256(key) => key.verify(&RSA_PKCS1_2048_8192_SHA256, input, signature),
        }
        .is_ok()
    }
}

/// A line about a key, without a word of it.
pub(super) fn unusable(alg: Alg, why: &str) -> Error {
    let make = match alg {
        Alg::Hs256 => "openssl rand -base64 48",
        Alg::EdDsa => "openssl genpkey -algorithm ed25519",
        Alg::Es256 => "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
        Alg::Rs256 => "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072",
    };
    let alg = alg.name();
    Error::config(format!(
        "the {alg} key for access tokens cannot be used: {why}; make one with `{make}`"
    ))
}
