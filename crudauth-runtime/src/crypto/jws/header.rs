//! The header of a token (RFC 7515 §4): what we write, and what we let others write.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::Value;

use super::json;
use crate::error::{Error, Result};

/// The algorithms there are. What is not named here cannot be asked for: `none` has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alg {
    /// HMAC with SHA-256 (RFC 7518 §3.2).
    Hs256,
    /// Ed25519 (RFC 8037 §3.1).
    #[cfg(feature = "asymmetric")]
    EdDsa,
    /// ECDSA on P-256 with SHA-256 (RFC 7518 §3.4).
    #[cfg(feature = "asymmetric")]
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3).
    #[cfg(feature = "asymmetric")]
    Rs256,
}

impl Alg {
    /// As a header says it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            #[cfg(feature = "asymmetric")]
            Self::EdDsa => "EdDSA",
            #[cfg(feature = "asymmetric")]
            Self::Es256 => "ES256",
            #[cfg(feature = "asymmetric")]
            Self::Rs256 => "RS256",
        }
    }
}

/// Most characters of a `kid`.
pub const MAX_KID: usize = 64;

/// Members that would have us take the key, or the meaning of the token, from the token (RFC 8725 §3.10, RFC 7515
/// §4.1.11, RFC 7797), or that announce something else than claims in plain JSON (RFC 7519 §5.2, RFC 7516 §4.1.3).
const REFUSED: [&str; 8] = ["crit", "jku", "jwk", "x5u", "x5c", "zip", "b64", "cty"];

/// What a header may hold.
pub(super) struct Rules {
    pub(super) refused: &'static [&'static str],
    pub(super) max_kid: usize,
}

/// For tokens of our own.
pub(super) const OWN: Rules = Rules {
    refused: &REFUSED,
    max_kid: MAX_KID,
};

/// A header that somebody else may have written.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) alg: String,
    pub(super) kid: Option<String>,
    typ: Option<String>,
}

impl Header {
    /// Reads the first segment of a token. Members that no rule is about are ignored (RFC 7515 §4).
    pub(super) fn parse(segment: &str, rules: &Rules) -> Option<Self> {
        let Value::Object(mut members) = json::parse(&URL_SAFE_NO_PAD.decode(segment).ok()?)?
        else {
            return None;
        };
        if rules.refused.iter().any(|name| members.contains_key(*name)) {
            return None;
        }
        let mut text = |name| match members.remove(name) {
            None => Some(None),
            Some(Value::String(text)) => Some(Some(text)),
            Some(_) => None,
        };
        let (alg, kid, typ) = (text("alg")??, text("kid")?, text("typ")?);
        if kid
            .as_deref()
            .is_some_and(|kid| !is_name(kid, rules.max_kid))
        {
            return None;
        }
        Some(Self { alg, kid, typ })
    }

    /// Whether the token does not say what it is.
    #[cfg(feature = "oauth")]
    pub(super) const fn is_untyped(&self) -> bool {
        self.typ.is_none()
    }

    /// Whether the token says that it is a `typ` (RFC 8725 §3.11).
    ///
    /// The value is a media type, so case and a leading `application/` mean nothing (RFC 7515 §4.1.9, RFC 9068 §4). No
    /// two kinds of token differ in these alone: the reading of `JWT` is what other libraries' tokens gain by it.
    pub(super) fn is_of(&self, typ: &str) -> bool {
        const PREFIX: &str = "application/";
        let Some(own) = self.typ.as_deref() else {
            return false;
        };
        let bare = match own.split_at_checked(PREFIX.len()) {
            Some((head, rest)) if head.eq_ignore_ascii_case(PREFIX) => rest,
            _ => own,
        };
        bare.eq_ignore_ascii_case(typ)
    }
}

/// Whether `kid` may name a key of ours.
pub(super) fn is_kid(kid: &str) -> bool {
    is_name(kid, MAX_KID)
}

fn is_name(kid: &str, longest: usize) -> bool {
    (1..=longest).contains(&kid.len()) && kid.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The first segment of the tokens of one key.
pub(super) fn segment(alg: Alg, typ: &str, kid: Option<&str>) -> Result<String> {
    #[derive(Serialize)]
    struct Written<'a> {
        alg: &'a str,
        typ: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        kid: Option<&'a str>,
    }
    let alg = alg.name();
    let bytes = serde_json::to_vec(&Written { alg, typ, kid })
        .map_err(|error| Error::config(format!("the header of a token: {error}")))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
