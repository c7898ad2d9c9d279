//! The root secret, and the keys that are derived from it for each purpose.

use std::fmt;
use std::sync::Arc;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Random, compare};
use crate::error::{Error, Result};
use crate::secret::{Secret, SecretText};

/// Fewest bytes of a root secret: as many as the digest has, so that the secret is not the weakest part.
pub const MIN_SECRET_BYTES: usize = 32;

/// What a derived key is for. A value made for one purpose never passes for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// Look-up digests of session ids.
    Session,
    /// CSRF tokens bound to a session.
    Csrf,
    /// Device cookies, which tell a known browser from a stranger.
    Device,
    /// Counters of failed attempts, which must not name the address or account in clear.
    Attempt,
    /// Tokens in forms that are shown before anybody is signed in.
    FormToken,
    /// The secrets of mailed links.
    Link,
    /// What a mailed link is bound to.
    LinkState,
    /// Refresh tokens.
    Refresh,
    /// Access tokens, where the application gives no key for them.
    AccessToken,
    /// What a browser takes along on its journey to a provider.
    OAuth,
    /// Tokens of providers, kept for the application.
    ProviderTokens,
}

/// The keys of an application: one set for each root secret, the newest first.
///
/// The first secret makes every new value, all of them recognise old ones; so a secret is rotated by putting a new one
/// in front, and taken away when everything it made has expired. Clones share the same keys.
///
/// # Security
/// Keys are derived once, by HKDF-SHA256 (RFC 5869) under a label for each purpose, and wiped from memory with the last
/// clone. The root secrets themselves are not kept.
#[derive(Clone)]
pub struct RootKeys(Arc<[KeySet]>);

/// A key as HMAC wants it: both its blocks are hashed already, which is half the work of a short message. `sha2` and
/// `hmac` wipe it (their feature `zeroize`).
type Key = Hmac<Sha256>;

struct KeySet {
    session: Key,
    csrf: Key,
    device: Key,
    attempt: Key,
    form_token: Key,
    link: Key,
    link_state: Key,
    refresh: Key,
    access_token: Key,
    oauth: Key,
    provider_tokens: Key,
}

impl RootKeys {
    /// Derives the keys of each of `secrets`, the one in use first.
    ///
    /// # Errors
    /// [`Error::Config`] if the list is empty, or with one line for each secret that is shorter than
    /// [`MIN_SECRET_BYTES`] or looks like a placeholder. The lines never quote a secret.
    pub fn new(secrets: Vec<SecretText>) -> Result<Self> {
        if secrets.is_empty() {
            return Err(Error::config(
                "no secret is set: give at least one of 32 random bytes or more",
            ));
        }
        let problems: Vec<String> = secrets
            .iter()
            .enumerate()
            .filter_map(|(index, secret)| {
                Some(format!(
                    "secret number {} {}; {ADVICE}",
                    index + 1,
                    weakness(secret.expose())?
                ))
            })
            .collect();
        if !problems.is_empty() {
            return Err(Error::Config(problems));
        }
        let sets: Result<Vec<KeySet>> = secrets
            .into_iter()
            .map(|secret| KeySet::derive(secret.expose().as_bytes()))
            .collect();
        Ok(Self(sets?.into()))
    }

    /// Keys from a fresh random secret: everything made with them is void after a restart. For tests and trials.
    ///
    /// # Errors
    /// [`Error::Random`] if the operating system gives no random bytes.
    pub fn random(random: &Random) -> Result<Self> {
        let secret = Secret::new(random.bytes::<32>()?);
        Ok(Self(Arc::from([KeySet::derive(secret.expose())?])))
    }

    /// HMAC-SHA256 of `message` under the key of the secret in use.
    #[must_use]
    pub fn mac(&self, purpose: Purpose, message: &[u8]) -> [u8; 32] {
        // `new` and `random` never make an empty list, so the default is never taken.
        self.0
            .first()
            .map(|set| set.mac(purpose, message))
            .unwrap_or_default()
    }

    /// HMAC-SHA256 of `message` under the key of every secret, the one in use first: for look-ups during a rotation.
    /// Each is computed when it is asked for, so that what the first finds costs no second.
    pub fn macs(&self, purpose: Purpose, message: &[u8]) -> impl Iterator<Item = [u8; 32]> {
        self.0.iter().map(move |set| set.mac(purpose, message))
    }

    /// Whether `mac` was made from `message` for `purpose` under any of the secrets. Takes the same time for every
    /// `mac` of 32 bytes; any other length is `false`.
    #[must_use]
    pub fn verify(&self, purpose: Purpose, message: &[u8], mac: &[u8]) -> bool {
        self.0.iter().fold(false, |found, set| {
            compare::equal(&set.mac(purpose, message), mac) | found
        })
    }
}

impl fmt::Debug for RootKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKeys([redacted]; {})", self.0.len())
    }
}

impl KeySet {
    fn derive(secret: &[u8]) -> Result<Self> {
        let root = Hkdf::<Sha256>::new(Some(SALT), secret);
        let key = |label: &str| {
            let mut key = Zeroizing::new([0; KEY_BYTES]);
            root.expand(label.as_bytes(), key.as_mut_slice())
                .map_err(|e| Error::config(e.to_string()))?;
            Ok::<_, Error>(Key::new((&*key).into()))
        };
        Ok(Self {
            session: key("session")?,
            csrf: key("csrf")?,
            device: key("device")?,
            attempt: key("attempt")?,
            form_token: key("form-token")?,
            link: key("link")?,
            link_state: key("link-state")?,
            refresh: key("refresh")?,
            access_token: key("access-token")?,
            oauth: key("oauth")?,
            provider_tokens: key("provider-tokens")?,
        })
    }

    fn mac(&self, purpose: Purpose, message: &[u8]) -> [u8; 32] {
        let key = match purpose {
            Purpose::Session => &self.session,
            Purpose::Csrf => &self.csrf,
            Purpose::Device => &self.device,
            Purpose::Attempt => &self.attempt,
            Purpose::FormToken => &self.form_token,
            Purpose::Link => &self.link,
            Purpose::LinkState => &self.link_state,
            Purpose::Refresh => &self.refresh,
            Purpose::AccessToken => &self.access_token,
            Purpose::OAuth => &self.oauth,
            Purpose::ProviderTokens => &self.provider_tokens,
        };
        let mut mac = key.clone();
        mac.update(message);
        mac.finalize().into_bytes().into()
    }
}

/// What is wrong with a secret, as the end of a sentence; nothing if it will do.
pub(super) fn weakness(secret: &str) -> Option<&'static str> {
    let plain: String = secret
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    let bytes = secret.as_bytes();
    if bytes.len() < MIN_SECRET_BYTES {
        Some("is shorter than 32 bytes")
    } else if PLACEHOLDERS.iter().any(|start| plain.starts_with(start)) {
        Some("is a placeholder from an example")
    } else if (1..=LONGEST_UNIT).any(|unit| {
        bytes
            .iter()
            .skip(unit)
            .eq(bytes.iter().take(bytes.len() - unit))
    }) {
        Some("repeats one short piece of text")
    } else {
        None
    }
}

/// Starts of secrets that people copy from examples, in lower case and without punctuation.
const PLACEHOLDERS: [&str; 9] = [
    "changeme",
    "changethis",
    "replaceme",
    "replacethis",
    "yoursecret",
    "mysecret",
    "supersecret",
    "secretsecret",
    "example",
];

/// Longest repeated piece of text that is looked for, in bytes.
const LONGEST_UNIT: usize = 16;

pub(super) const ADVICE: &str = "make one with `openssl rand -base64 48`";

/// Separates our keys from anything else derived from the same secret.
const SALT: &[u8] = b"crudauth/v1";

/// One block of SHA-256, which is the size that HMAC takes as it is.
const KEY_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Purpose; 11] = [
        Purpose::Session,
        Purpose::Csrf,
        Purpose::Device,
        Purpose::Attempt,
        Purpose::FormToken,
        Purpose::Link,
        Purpose::LinkState,
        Purpose::Refresh,
        Purpose::AccessToken,
        Purpose::OAuth,
        Purpose::ProviderTokens,
    ];
    const OLD: &str = "old: 7Yc1Vb0pQ3nXzT5rKe8uGm2sWj9dLf4h";
    const NEW: &str = "new: hZ6tR1vBq8yNc3xMw7kPs5gDj2fLa9eU";

    fn keys(secrets: &[&str]) -> Result<RootKeys> {
        RootKeys::new(
            secrets
                .iter()
                .map(|secret| SecretText::from(*secret))
                .collect(),
        )
    }

    fn hex(bytes: &[u8]) -> String {
        bytes
            .iter()
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }

    #[test]
    fn sec_142_the_derivation_gives_the_published_values() {
        // RFC 5869, test case 1 (SHA-256).
        let mut okm = [0; 42];
        let salt: Vec<u8> = (0x00..=0x0c).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        Hkdf::<Sha256>::new(Some(&salt), &[0x0b; 22])
            .expand(&info, &mut okm)
            .unwrap();
        assert_eq!(
            hex(&okm),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        );

        // Ours, computed apart from this code; a change would sign everybody out.
        let keys = keys(&[OLD]).unwrap();
        assert_eq!(
            hex(&keys.mac(Purpose::Session, b"message")),
            "37e3eba9ad9176ebf1d459c4e653be1df0cffb9fb21498d111173dc35b9245c0"
        );
        assert_eq!(
            hex(&keys.mac(Purpose::FormToken, b"message")),
            "e4bdf28dd6a920c41957f9d11da89457d68b132af6b26d3a08a858278bc5447c"
        );
    }

    #[test]
    fn sec_142_a_value_made_for_one_purpose_is_refused_for_any_other() {
        let keys = keys(&[OLD]).unwrap();

        for made_for in ALL {
            let mac = keys.mac(made_for, b"message");
            for used_for in ALL {
                assert_eq!(
                    keys.verify(used_for, b"message", &mac),
                    made_for == used_for,
                    "{made_for:?} {used_for:?}"
                );
            }
        }
    }

    #[test]
    fn the_first_secret_signs_and_every_secret_verifies() {
        let before = keys(&[OLD]).unwrap();
        let during = keys(&[NEW, OLD]).unwrap();
        let after = keys(&[NEW]).unwrap();
        let old = before.mac(Purpose::Csrf, b"m");
        let new = during.mac(Purpose::Csrf, b"m");

        assert_eq!(new, after.mac(Purpose::Csrf, b"m"));
        assert!(during.macs(Purpose::Csrf, b"m").eq([new, old]));
        assert!(
            during.verify(Purpose::Csrf, b"m", &old) && during.verify(Purpose::Csrf, b"m", &new)
        );
        assert!(!after.verify(Purpose::Csrf, b"m", &old));
        assert!(!during.verify(Purpose::Csrf, b"n", &new));
        assert!(
            !during.verify(Purpose::Csrf, b"m", &new[..31])
                && !during.verify(Purpose::Csrf, b"m", b"")
        );
    }

    #[test]
    fn weak_secrets_are_refused_all_at_once_and_never_quoted() {
        let weak = [
            "MARKER-too-short",
            "change-me-MARKER-0123456789-abcdefghij",
            "ChangeMe MARKER 0123456789 abcdefghij",
            "secretsecretsecretsecretsecretsecret",
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "0123456789012345678901234567890123456789",
        ];

        let Err(Error::Config(problems)) = keys(&weak) else {
            panic!("accepted")
        };

        assert_eq!(problems.len(), weak.len(), "{problems:?}");
        assert!(
            problems
                .iter()
                .all(|line| !line.contains("MARKER") && !line.contains("xxx")),
            "{problems:?}"
        );
        assert!(matches!(keys(&[]), Err(Error::Config(_))));
        assert!(keys(&[OLD, "MARKER"]).is_err());
    }

    #[test]
    fn sec_139_debug_shows_nothing_of_the_keys() {
        assert_eq!(
            format!("{:?}", keys(&[NEW, OLD]).unwrap()),
            "RootKeys([redacted]; 2)"
        );
    }

    #[test]
    fn sec_140_random_keys_differ_and_need_the_generator() {
        let one = RootKeys::random(&Random::system()).unwrap();
        let two = RootKeys::random(&Random::system()).unwrap();

        assert_ne!(
            one.mac(Purpose::Session, b""),
            two.mac(Purpose::Session, b"")
        );
        assert!(matches!(
            RootKeys::random(&Random::failing()),
            Err(Error::Random)
        ));
    }
}
