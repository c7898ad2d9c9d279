//! Pairs of keys from where people keep them: PKCS#8 (RFC 5958), as PEM or as bytes.

use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use zeroize::Zeroize;

use super::header::Alg;
use super::keys::{SigningKeys, VerifyingKey};
use super::ring::{KeyPair, unusable};
use crate::error::Result;
use crate::secret::SecretText;

macro_rules! constructors {
    ($($(#[$doc:meta])* $alg:ident: $pem:ident $der:ident)*) => {
        impl SigningKeys {$(
            $(#[$doc])*
            ///
            /// The key is the first `PRIVATE KEY` of the text. It is named by its RFC 7638 thumbprint.
            ///
            /// # Errors
            /// [`Error::Config`](crate::error::Error::Config) if there is none, or another kind of key, or a weak one.
            pub fn $pem(pem: impl Into<SecretText>) -> Result<Self> {
                from_pem(Alg::$alg, &pem.into())
            }

            $(#[$doc])*
            ///
            /// As the above, from the bytes of the DER form, which the caller wipes.
            ///
            /// # Errors
            /// As the above.
            pub fn $der(der: &[u8]) -> Result<Self> {
                from_der(Alg::$alg, der)
            }
        )*}
    };
}

constructors! {
    /// `EdDSA` on Ed25519: short signatures, quick to make and to check.
    EdDsa: ed25519_pkcs8_pem ed25519_pkcs8_der
    /// ECDSA on P-256 with SHA-256: what most other services understand.
    Es256: es256_pkcs8_pem es256_pkcs8_der
    /// RSASSA-PKCS1-v1_5 with SHA-256, for services that understand nothing else. 2048 to 4096 bits.
    Rs256: rs256_pkcs8_pem rs256_pkcs8_der
}

fn from_pem(alg: Alg, pem: &SecretText) -> Result<SigningKeys> {
    let mut der = PrivatePkcs8KeyDer::from_pem_slice(pem.expose().as_bytes()).map_err(|_| {
        unusable(
            alg,
            "the text has no readable `-----BEGIN PRIVATE KEY-----`; `openssl pkcs8 -topk8 -nocrypt` writes that form",
        )
    })?;
    let keys = from_der(alg, der.secret_pkcs8_der());
    der.zeroize();
    keys
}

fn from_der(alg: Alg, der: &[u8]) -> Result<SigningKeys> {
    let pair = KeyPair::from_pkcs8(alg, der)?;
    let public = VerifyingKey::public(pair.public()?, None)?;
    Ok(SigningKeys::pair(pair, public))
}
