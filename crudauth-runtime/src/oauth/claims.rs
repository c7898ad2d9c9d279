//! From the claims of OpenID Connect to a profile (OpenID Connect Core §5.1).

use serde_json::{Map, Value};

use super::id_token::is_subject;
use super::issuer::PERSONAL;
use super::{Failure, Profile};

/// When an address counts as proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// When `email_verified` is `true`.
    Boolean,
    /// When it is `true` or the text "true": Apple has written both.
    BooleanOrText,
    /// Whatever `email_verified` says.
    Proven,
    /// Never.
    Unproven,
}

/// What the protocol says to itself, and not of anybody.
const PROTOCOL: [&str; 11] = [
    "iss", "sub", "aud", "azp", "exp", "iat", "nbf", "nonce", "at_hash", "c_hash", "jti",
];

/// How far Microsoft's word goes. The administrator of any tenant writes any address into `email`, so it proves nothing unless
/// Microsoft says that the owner of the domain is the tenant (`xms_edov`), or keeps the account itself.
/// <https://www.descope.com/blog/post/noauth>
pub(super) fn microsoft(claims: &Map<String, Value>) -> Word {
    let edov = match claims.get("xms_edov") {
        Some(Value::Bool(yes)) => *yes,
        Some(Value::Number(number)) => number.as_u64() == Some(1),
        Some(Value::String(text)) => text == "1" || text.eq_ignore_ascii_case("true"),
        _ => false,
    };
    let personal = claims.get("tid").is_some_and(|tid| tid == PERSONAL);
    if edov || personal {
        Word::Proven
    } else {
        Word::Unproven
    }
}

/// Whether there is an address, and a word for it.
pub(super) fn has_email(claims: &Map<String, Value>, word: Word) -> bool {
    claims.get("email").is_some_and(Value::is_string)
        && (claims.contains_key("email_verified") || matches!(word, Word::Proven | Word::Unproven))
}

/// Adds what userinfo says. An address comes with the word for it, from one place or the other: never one's word for the
/// other's address.
pub(super) fn complete(claims: &mut Map<String, Value>, more: Map<String, Value>) {
    if more.contains_key("email") {
        claims.remove("email");
        claims.remove("email_verified");
    }
    let own = claims.contains_key("email");
    for (name, value) in more {
        if !(own && name == "email_verified") {
            claims.entry(name).or_insert(value);
        }
    }
}

pub(super) fn profile(mut claims: Map<String, Value>, word: Word) -> Result<Profile, Failure> {
    let verified = match (word, claims.get("email_verified")) {
        (Word::Proven, _) => true,
        (Word::BooleanOrText, Some(Value::String(text))) => text == "true",
        (Word::Boolean | Word::BooleanOrText, Some(Value::Bool(yes))) => *yes,
        _ => false,
    };
    let text = |name| claims.get(name).and_then(Value::as_str);
    let (Some(issuer), Some(subject)) = (text("iss"), text("sub")) else {
        return Err(Failure::new("the id_token names nobody"));
    };
    let mut profile = Profile::new(issuer, subject);
    let some = |name| {
        text(name)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    profile.email = some("email");
    profile.email_verified = verified && profile.email.is_some();
    profile.username = some("preferred_username").or_else(|| some("nickname"));
    profile.given_name = some("given_name");
    profile.name = some("name");
    claims.retain(|name, _| !PROTOCOL.contains(&name.as_str()));
    profile.claims = claims;
    check(profile)
}

/// A profile that somebody can be known by.
pub(super) fn check(mut profile: Profile) -> Result<Profile, Failure> {
    if profile.issuer.is_empty() || !is_subject(&profile.subject) {
        return Err(Failure::new("the profile names nobody"));
    }
    // Names are free text; what is in no name is taken for no name.
    for text in [
        &mut profile.email,
        &mut profile.username,
        &mut profile.given_name,
        &mut profile.name,
    ] {
        text.take_if(|text| text.is_empty() || text.chars().any(char::is_control));
    }
    profile.email_verified &= profile.email.is_some();
    Ok(profile)
}
