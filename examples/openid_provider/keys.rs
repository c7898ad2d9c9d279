//! What the provider signs with.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Broken;

/// A pair of keys, named by the digest of its public half.
#[derive(Debug)]
pub struct Key {
    pub(super) kid: String,
    pair: Pair,
}

#[derive(Debug)]
enum Pair {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

impl Key {
    /// A new P-256 key.
    pub fn es256() -> Result<Self, Broken> {
        let random = SystemRandom::new();
        let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(kind, &random)?;
        let pair = EcdsaKeyPair::from_pkcs8(kind, document.as_ref(), &random)?;
        Ok(Self::named(Pair::Es256(pair)))
    }

    /// A new Ed25519 key.
    pub fn eddsa() -> Result<Self, Broken> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())?;
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref())?;
        Ok(Self::named(Pair::EdDsa(pair)))
    }

    /// An RSA key in PKCS#8: making one takes seconds, so it is made elsewhere.
    pub fn rs256(pkcs8: &[u8]) -> Result<Self, Broken> {
        Ok(Self::named(Pair::Rs256(RsaKeyPair::from_pkcs8(pkcs8)?)))
    }

    fn named(pair: Pair) -> Self {
        let kid = match &pair {
            Pair::Es256(pair) => Sha256::digest(pair.public_key()),
            Pair::EdDsa(pair) => Sha256::digest(pair.public_key()),
            Pair::Rs256(pair) => Sha256::digest(pair.public_key()),
        };
        let kid = URL_SAFE_NO_PAD.encode(kid);
        Self { kid, pair }
    }

    pub(super) fn alg(&self) -> &'static str {
        match self.pair {
            Pair::Es256(_) => "ES256",
            Pair::EdDsa(_) => "EdDSA",
            Pair::Rs256(_) => "RS256",
        }
    }

    pub(super) fn sign(&self, input: &[u8]) -> Result<Vec<u8>, Broken> {
        let random = SystemRandom::new();
        Ok(match &self.pair {
            Pair::Es256(pair) => pair.sign(&random, input)?.as_ref().to_vec(),
            Pair::EdDsa(pair) => pair.sign(input).as_ref().to_vec(),
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, input, &mut signature)?;
                signature
            }
        })
    }

    /// The public half (RFC 7517).
    pub(super) fn jwk(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &self.pair {
            Pair::Es256(pair) => {
                // SEC 1 §2.3.3: a 4, and two coordinates of one length.
                let point = pair.public_key().as_ref().get(1..).unwrap_or_default();
                let (x, y) = point.split_at(point.len() / 2);
                json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y) })
            }
            Pair::EdDsa(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref()) })
            }
            Pair::Rs256(pair) => {
                let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "n": text(&public.n), "e": text(&public.e) })
            }
        };
        if let Value::Object(members) = &mut jwk {
            members.insert("use".to_owned(), json!("sig"));
            members.insert("alg".to_owned(), json!(self.alg()));
            members.insert("kid".to_owned(), json!(self.kid));
        }
        jwk
    }
}
