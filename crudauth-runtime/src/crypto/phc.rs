//! The text form of an argon2id hash: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<digest>`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::policy::Argon2Params;

/// Bytes of salt in a hash made here (SEC-001; RFC 9106 §3.1).
pub(super) const SALT_BYTES: usize = 16;

/// Bytes of digest in a hash made here.
pub(super) const DIGEST_BYTES: usize = 32;

/// A well-formed stored hash. Its parameters may still be more than anybody is willing to compute.
#[derive(PartialEq, Eq)]
pub(super) struct Phc {
    pub(super) params: Argon2Params,
    pub(super) salt: Vec<u8>,
    pub(super) digest: Vec<u8>,
}

impl Phc {
    /// Reads a stored hash: argon2id of version 19, with a salt of 8 to 64 bytes and a digest of 16 to 64. Nothing if
    /// it is anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("$argon2id$v=19$")?.split('$');
        let (params, salt, digest) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        Some(Self {
            params: parse_params(params)?,
            salt: decode(salt, 8)?,
            digest: decode(digest, 16)?,
        })
    }

    /// The text form.
    pub(super) fn render(&self) -> String {
        let Argon2Params { m_kib, t, p } = self.params;
        let (salt, digest) = (
            STANDARD_NO_PAD.encode(&self.salt),
            STANDARD_NO_PAD.encode(&self.digest),
        );
        format!("$argon2id$v=19$m={m_kib},t={t},p={p}${salt}${digest}")
    }
}

fn parse_params(text: &str) -> Option<Argon2Params> {
    let mut parts = text.split(',');
    let mut next = |key: &str| parts.next()?.strip_prefix(key).and_then(number);
    let params = Argon2Params {
        m_kib: next("m=")?,
        t: next("t=")?,
        p: next("p=")?,
    };
    // RFC 9106 §3.1: at least one pass and one lane, and eight blocks a lane.
    let sound =
        params.t >= 1 && params.p >= 1 && u64::from(params.m_kib) >= 8 * u64::from(params.p);
    (parts.next().is_none() && sound).then_some(params)
}

/// A number in the one way in which the format writes it: digits only, no sign, no leading zero.
fn number(text: &str) -> Option<u32> {
    let plain = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

fn decode(text: &str, least: usize) -> Option<Vec<u8>> {
    if text.len() > LONGEST_FIELD {
        return None;
    }
    let bytes = STANDARD_NO_PAD.decode(text).ok()?;
    (bytes.len() >= least).then_some(bytes)
}

/// Base64 characters of 64 bytes.
const LONGEST_FIELD: usize = 86;

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn a_well_formed_hash_reads_and_writes_alike() {
        let phc = Phc::parse(GOOD).unwrap();

        assert_eq!(phc.params, Argon2Params::DEFAULT);
        assert_eq!(phc.salt, b"saltsaltsaltsalt");
        assert_eq!(phc.digest, [0; 32]);
        assert_eq!(phc.render(), GOOD);
    }

    #[test]
    fn anything_else_is_refused() {
        let bad = [
            "",
            "!",
            "x",
            "$",
            "$argon2id$",
            "$argon2id$v=19$m=19456,t=2,p=1",
            "$argon2id$v=19$m=19456,t=2,p=1$$",
            &GOOD.replace("argon2id", "argon2i"),
            &GOOD.replace("v=19", "v=16"),
            &GOOD.replace("$v=19", ""),
            &GOOD.replace("t=2", "t=0"),
            &GOOD.replace("t=2", "t=+2"),
            &GOOD.replace("t=2", "t=02"),
            &GOOD.replace("p=1", "p=0"),
            &GOOD.replace("p=1", "p=1,x=1"),
            &GOOD.replace("p=1", "p=99999"),
            &GOOD.replace("m=19456", "m=4294967296"),
            &GOOD.replace("m=19456", "m="),
            &GOOD.replace("m=19456,", ""),
            &GOOD.replace("c2FsdHNhbHRzYWx0c2FsdA", "c2FsdA"),
            &GOOD.replace("c2F", "c2+$"),
            &format!("{GOOD}="),
            &format!("{GOOD}$"),
            &format!(" {GOOD}"),
            &GOOD[..60],
            &format!("{}{}", GOOD, "A".repeat(5000)),
        ];

        for text in bad {
            assert!(Phc::parse(text).is_none(), "{text}");
        }
    }
}
