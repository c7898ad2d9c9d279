//! The claims of an `id_token` (OpenID Connect Core 1.0 §3.1.3.7).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha512};

use super::Failure;
use super::issuer::Issuer;
use crate::clock::Timestamp;
use crate::crypto::compare;
use crate::crypto::jws::Alg;

/// What an `id_token` must say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a Issuer,
    /// What is said of each key that signed it as its `issuer`.
    pub(super) signers: &'a [Option<Value>],
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) access_token: &'a str,
    pub(super) now: Timestamp,
}

/// How far two clocks may be apart, in seconds.
const LEEWAY: f64 = 60.0;

/// Most characters of `sub` (OpenID Connect Core §2).
const MAX_SUBJECT: usize = 255;

impl Expected<'_> {
    /// The claims of a token that was signed with `alg`, if they are what is expected.
    pub(super) fn check(
        &self,
        payload: Option<Value>,
        alg: Alg,
    ) -> Result<Map<String, Value>, Failure> {
        let Some(Value::Object(claims)) = payload else {
            return Err(Failure::new("the id_token holds no claims"));
        };
        let text = |name| claims.get(name).and_then(Value::as_str);
        let rules: [(bool, &str); 8] = [
            (
                text("iss").is_some_and(|iss| self.issuer.signs_as(iss, claims.get("tid"))),
                "iss",
            ),
            (self.is_audience(&claims), "aud"),
            (self.is_authorized(&claims), "azp"),
            (
                time(&claims, "exp").is_some_and(|exp| self.seconds() < exp + LEEWAY),
                "exp",
            ),
            (
                time(&claims, "iat").is_some_and(|iat| iat <= self.seconds() + LEEWAY),
                "iat",
            ),
            (
                !claims.contains_key("nbf")
                    || time(&claims, "nbf").is_some_and(|nbf| nbf <= self.seconds() + LEEWAY),
                "nbf",
            ),
            (
                text("nonce")
                    .is_some_and(|own| compare::equal(own.as_bytes(), self.nonce.as_bytes())),
                "nonce",
            ),
            (self.is_with_token(&claims, alg), "at_hash"),
        ];
        if let Some((_, name)) = rules.iter().find(|(good, _)| !good) {
            return Err(Failure::of(format!(
                "the `{name}` of the id_token is not what it has to be"
            )));
        }
        let signs = |key: &Option<Value>| {
            let (iss, tid) = (text("iss").unwrap_or_default(), claims.get("tid"));
            self.issuer.signs_with(key.as_ref(), iss, tid)
        };
        if !self.signers.iter().any(signs) {
            return Err(Failure::new(
                "the key that signed the id_token is another issuer's",
            ));
        }
        if !text("sub").is_some_and(is_subject) {
            return Err(Failure::new("the `sub` of the id_token names nobody"));
        }
        Ok(claims)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds are exact up to the year 285 million"
    )]
    fn seconds(&self) -> f64 {
        self.now.as_secs() as f64
    }

    fn is_audience(&self, claims: &Map<String, Value>) -> bool {
        match claims.get("aud") {
            Some(Value::String(one)) => one == self.client_id,
            Some(Value::Array(all)) => {
                all.iter().all(Value::is_string) && all.iter().any(|one| one == self.client_id)
            }
            _ => false,
        }
    }

    fn is_authorized(&self, claims: &Map<String, Value>) -> bool {
        match (claims.get("azp"), claims.get("aud")) {
            (Some(azp), _) => azp == self.client_id,
            (None, Some(Value::Array(all))) => all.len() == 1,
            (None, _) => true,
        }
    }

    /// Whether the access token is the one that came with the `id_token` (§3.1.3.6).
    fn is_with_token(&self, claims: &Map<String, Value>, alg: Alg) -> bool {
        let Some(claimed) = claims.get("at_hash") else {
            return true;
        };
        // The hash is that of the algorithm; Ed25519 has SHA-512 within.
        let digest = match alg {
            Alg::EdDsa => Sha512::digest(self.access_token).to_vec(),
            _ => Sha256::digest(self.access_token).to_vec(),
        };
        let (half, _) = digest.split_at(digest.len() / 2);
        claimed.as_str().is_some_and(|claimed| {
            compare::equal(claimed.as_bytes(), URL_SAFE_NO_PAD.encode(half).as_bytes())
        })
    }
}

/// Whether `text` can name an account for ever.
pub(super) fn is_subject(text: &str) -> bool {
    let length = text.chars().count();
    (1..=MAX_SUBJECT).contains(&length) && !text.chars().any(char::is_control)
}

/// A `NumericDate` (RFC 7519 §2): seconds, which may have a fraction.
fn time(claims: &Map<String, Value>, name: &str) -> Option<f64> {
    claims.get(name)?.as_f64()
}
