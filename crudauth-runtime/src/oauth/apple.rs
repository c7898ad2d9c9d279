//! Sign in with Apple, where it differs: the client secret is a signed token, and the name comes in the form.

use serde::Serialize;
use serde_json::Value;

use super::{AppleKey, Profile};
use crate::clock::Timestamp;
use crate::crypto::json;
use crate::crypto::jws::{SigningKeys, TokenKeys};
use crate::error::Result;

/// Makes client secrets.
pub(super) struct AppleSigner {
    keys: TokenKeys,
    team_id: String,
    /// The issuer, which reads them.
    audience: String,
}

/// How long a secret is good for, in seconds: one exchange.
const LIFE: i64 = 300;

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    iat: i64,
    exp: i64,
    aud: &'a str,
    sub: &'a str,
}

impl AppleSigner {
    pub(super) fn new(key: &AppleKey, audience: String) -> Result<Self> {
        let keys = SigningKeys::es256_pkcs8_pem(key.pem.expose().as_str())?;
        Ok(Self {
            keys: TokenKeys::of(keys.kid(key.key_id.as_str())?),
            team_id: key.team_id.clone(),
            audience,
        })
    }

    /// A secret for one exchange.
    pub(super) fn sign(&self, client_id: &str, now: Timestamp) -> Result<String> {
        let now = now.as_secs();
        self.keys.sign(
            "JWT",
            &Claims {
                iss: &self.team_id,
                iat: now,
                exp: now + LIFE,
                aud: &self.audience,
                sub: client_id,
            },
        )
    }
}

/// Adds the name that Apple sends with the first answer, through the browser and unsigned: so a name and nothing else.
pub(super) fn add_name(profile: &mut Profile, user: Option<&str>) {
    let Some(user) = user.and_then(|user| json::parse(user.as_bytes())) else {
        return;
    };
    let part = |name| {
        let text = user.get("name")?.get(name).and_then(Value::as_str)?.trim();
        (!text.is_empty() && !text.chars().any(char::is_control)).then(|| text.to_owned())
    };
    let (first, last) = (part("firstName"), part("lastName"));
    let whole: Vec<&str> = [&first, &last]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    if profile.name.is_none() && !whole.is_empty() {
        profile.name = Some(whole.join(" "));
    }
    if profile.given_name.is_none() {
        profile.given_name = first;
    }
}
