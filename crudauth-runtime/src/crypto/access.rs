//! What an access token says, and when it is believed.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::json;
use super::jws::TokenKeys;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// What a block says of its access tokens.
#[derive(Debug, Clone, Copy)]
pub struct AccessRules {
    /// The type in the header, `JWT` or `at+jwt` (RFC 9068 §2.1).
    pub typ: &'static str,
    /// The `iss` that is written and asked for. Without one, a token that has an issuer is refused.
    pub issuer: Option<&'static str>,
    /// The `aud` that is written and asked for. Without one, a token that has an audience is refused.
    pub audience: Option<&'static str>,
    /// How long a token is good for. One that says longer is refused whoever signed it.
    pub lifetime: Duration,
    /// How far other clocks may be from ours.
    pub leeway: Duration,
}

impl AccessRules {
    /// Tokens of type `JWT` without issuer and audience, and half a minute between clocks.
    #[must_use]
    pub const fn new(lifetime: Duration) -> Self {
        Self {
            typ: "JWT",
            issuer: None,
            audience: None,
            lifetime,
            leeway: Duration::from_secs(30),
        }
    }
}

/// The claims of a token that is believed.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessClaims {
    /// Whose it is: the account's key as text.
    pub sub: String,
    /// The token version of the account when it was issued.
    pub ver: i64,
    /// Good before this second since the epoch.
    pub exp: i64,
    /// The second in which it was issued.
    pub iat: i64,
    /// Good from this second on.
    pub nbf: Option<i64>,
    /// The name of this token.
    pub jti: Option<String>,
    /// The refresh family that it was made from.
    pub sid: Option<String>,
    /// What it is good for.
    pub scopes: Vec<String>,
    /// The claims that the application added.
    pub extra: Map<String, Value>,
}

/// What goes into a new token.
#[derive(Debug)]
pub struct NewClaims<'a> {
    /// See [`AccessClaims::sub`].
    pub sub: &'a str,
    /// See [`AccessClaims::ver`].
    pub ver: i64,
    /// The present.
    pub now: Timestamp,
    /// An end before that of its lifetime: that of what it was made from.
    pub until: Option<Timestamp>,
    /// See [`AccessClaims::jti`].
    pub jti: Option<&'a str>,
    /// See [`AccessClaims::sid`].
    pub sid: Option<&'a str>,
    /// See [`AccessClaims::scopes`].
    pub scopes: &'a [&'a str],
    /// See [`AccessClaims::extra`].
    pub extra: Map<String, Value>,
}

/// What is thought of a token.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum Verdict {
    /// It is ours, and its time has come and not gone.
    Good(AccessClaims),
    /// Nothing is wrong with it, but it was good until a while ago.
    Expired,
    /// It is not ours, or no access token, or not for us, or its time has not come.
    Invalid,
}

/// Claims that mean something here: an application's own have other names.
const RESERVED: [&str; 11] = [
    "sub",
    "ver",
    "exp",
    "token_type",
    "scopes",
    "iat",
    "nbf",
    "jti",
    "sid",
    "iss",
    "aud",
];

/// What `token_type` says: tokens of other purposes say something else (contract §3.2).
const ACCESS: &str = "access";

/// The last second of the year 9999. A date beyond is a mistake, or an attempt at an overflow.
const LAST: i64 = 253_402_300_799;

/// Signs a token with these claims.
///
/// # Errors
/// [`Error::Config`] if a claim of the application's has a name of ours; as [`TokenKeys::sign`] otherwise.
pub fn issue(keys: &TokenKeys, rules: &AccessRules, new: &NewClaims<'_>) -> Result<String> {
    #[derive(Serialize)]
    struct Written<'a> {
        sub: &'a str,
        ver: i64,
        exp: i64,
        token_type: &'a str,
        scopes: &'a [&'a str],
        iat: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        jti: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        sid: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        iss: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        aud: Option<&'a str>,
        #[serde(flatten)]
        extra: &'a Map<String, Value>,
    }
    if let Some(name) = RESERVED.iter().find(|name| new.extra.contains_key(**name)) {
        return Err(Error::config(format!(
            "the custom claim `{name}` of access tokens has a meaning already; give it another name"
        )));
    }
    let iat = new.now.as_secs();
    let exp = iat.saturating_add(seconds(rules.lifetime));
    keys.sign(
        rules.typ,
        &Written {
            sub: new.sub,
            ver: new.ver,
            exp: new.until.map_or(exp, |until| exp.min(until.as_secs())),
            token_type: ACCESS,
            scopes: new.scopes,
            iat,
            jti: new.jti,
            sid: new.sid,
            iss: rules.issuer,
            aud: rules.audience,
            extra: &new.extra,
        },
    )
}

/// Whether `token` is to be believed at the instant `now`.
pub fn read(keys: &TokenKeys, rules: &AccessRules, token: &str, now: Timestamp) -> Verdict {
    keys.verify(rules.typ, token, now)
        .and_then(|verified| parse(verified.payload()))
        .map_or(Verdict::Invalid, |(claims, extra)| {
            claims.judge(extra, rules, now)
        })
}

/// The claims that mean something here. Every number is a whole one in JSON too, and nothing may be `null`: a claim of
/// another type is a wrong one, never an absent one (CVE-2026-25537).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    sub: String,
    ver: i64,
    exp: i64,
    token_type: String,
    scopes: Vec<String>,
    iat: i64,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<i64>,
    #[serde(default, deserialize_with = "present")]
    jti: Option<String>,
    #[serde(default, deserialize_with = "present")]
    sid: Option<String>,
    #[serde(default, deserialize_with = "present")]
    iss: Option<String>,
    #[serde(default, deserialize_with = "present")]
    aud: Option<Audience>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    reader: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(reader).map(Some)
}

/// Reads a payload. One without claims of the application's is read in one pass, which refuses what it does not know and
/// what comes twice; any other is taken apart first.
fn parse(payload: &[u8]) -> Option<(Claims, Map<String, Value>)> {
    // A list of the right length would do for a struct.
    if payload.first() == Some(&b'{')
        && let Ok(claims) = serde_json::from_slice(payload)
    {
        return Some((claims, Map::new()));
    }
    let Value::Object(mut extra) = json::parse(payload)? else {
        return None;
    };
    let known = RESERVED
        .iter()
        .filter_map(|name| extra.remove_entry(*name))
        .collect();
    Some((serde_json::from_value(Value::Object(known)).ok()?, extra))
}

impl Claims {
    fn judge(self, extra: Map<String, Value>, rules: &AccessRules, now: Timestamp) -> Verdict {
        let (now, leeway) = (now.as_secs(), seconds(rules.leeway));
        let sane = |instant: i64| (0..=LAST).contains(&instant);
        let soon = |instant: i64| sane(instant) && instant <= now.saturating_add(leeway);
        let longest = seconds(rules.lifetime).saturating_add(leeway);
        let good = self.token_type == ACCESS
            && !self.sub.is_empty()
            && soon(self.iat)
            && self.nbf.is_none_or(soon)
            && sane(self.exp)
            && (1..=longest).contains(&(self.exp - self.iat))
            && self.iss.as_deref() == rules.issuer
            && self.is_for(rules.audience);
        if !good {
            return Verdict::Invalid;
        }
        if now >= self.exp.saturating_add(leeway) {
            return Verdict::Expired;
        }
        Verdict::Good(AccessClaims {
            sub: self.sub,
            ver: self.ver,
            exp: self.exp,
            iat: self.iat,
            nbf: self.nbf,
            jti: self.jti,
            sid: self.sid,
            scopes: self.scopes,
            extra,
        })
    }

    fn is_for(&self, audience: Option<&str>) -> bool {
        match (&self.aud, audience) {
            (None, None) => true,
            (Some(Audience::One(one)), Some(own)) => one == own,
            (Some(Audience::Several(all)), Some(own)) => all.iter().any(|one| one == own),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }
}

fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(LAST)
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
