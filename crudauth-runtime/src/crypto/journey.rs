//! What a browser takes along when it is sent to a provider, and what is made of it when it comes back.
//!
//! The state is random; all else is derived from it under a key of the application's, so that a row with nothing but its
//! digest is kept, and a copy of the database completes nobody's sign-in.

use std::fmt::{self, Write as _};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::refresh::{FAMILY, Redemption};
use super::{Purpose, Random, RootKeys, compare};
use crate::error::Result;

/// The `state` of one journey (RFC 6749 §10.12): 32 random bytes in base64url.
pub struct State(Zeroizing<String>);

/// What belongs to a state under one of the root secrets.
pub struct Companions {
    /// What names its row.
    pub id: [u8; 32],
    /// The PKCE verifier: 64 characters (RFC 7636 §4.1).
    pub verifier: Zeroizing<String>,
    /// The nonce of `OpenID` Connect (Core §15.5.2).
    pub nonce: Zeroizing<String>,
}

impl State {
    /// A fresh one.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn issue(random: &Random) -> Result<Self> {
        fresh(*random).map(Self)
    }

    /// Reads what a browser brings back. `None` for anything that [`issue`](Self::issue) cannot have made.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_digest(text).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The cookie that binds it to a browser. Each journey has its own, so that two tabs do not disturb one another.
    #[must_use]
    pub fn cookie(&self) -> String {
        let mut name = "oauth_state_".to_owned();
        for byte in Sha256::digest(self.0.as_bytes()).iter().take(4) {
            // Writing to a String cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        name
    }

    /// Whether the cookie holds this state. Takes the same time for every value of the right length.
    #[must_use]
    pub fn is_in(&self, cookie: &str) -> bool {
        compare::equal(self.0.as_bytes(), cookie.as_bytes())
    }

    /// What belongs to it under the root secret in use, then under every older one.
    pub fn companions<'k>(&self, keys: &'k RootKeys) -> impl Iterator<Item = Companions> + use<'k> {
        let macs = |label: &str| {
            let message = [label.as_bytes(), b"\0", self.0.as_bytes()].concat();
            keys.macs(Purpose::OAuth, &message).collect::<Vec<_>>()
        };
        let verifiers = macs("verifier")
            .into_iter()
            .zip(macs("verifier, second half"));
        let texts = verifiers.zip(macs("nonce")).zip(macs("state"));
        texts.map(|(((first, second), nonce), id)| {
            let mut verifier = Zeroizing::new([0; 48]);
            let (head, tail) = verifier.split_at_mut(first.len());
            head.copy_from_slice(&first);
            tail.copy_from_slice(second.split_at(tail.len()).0);
            Companions {
                id,
                verifier: Zeroizing::new(URL_SAFE_NO_PAD.encode(*verifier)),
                nonce: Zeroizing::new(URL_SAFE_NO_PAD.encode(nonce)),
            }
        })
    }
}

/// What an app is told at the end of a journey, and redeems for tokens (RFC 6749 §4.1.2): 32 random bytes in base64url.
pub struct Code(Zeroizing<String>);

impl Code {
    /// A fresh one.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn issue(random: &Random) -> Result<Self> {
        fresh(*random).map(Self)
    }

    /// Reads what an app sends. `None` for anything that [`issue`](Self::issue) cannot have made.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_digest(text).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What names its row under the root secret in use, then under every older one. Never what names a state's, though the two
    /// look alike.
    pub fn digests<'k>(&self, keys: &'k RootKeys) -> impl Iterator<Item = [u8; 32]> + use<'k> {
        let message = [b"code\0", self.0.as_bytes()].concat();
        keys.macs(Purpose::OAuth, &message)
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// What it is redeemed for by who knows `verifier`, under the same secrets.
    pub fn redemptions<'k>(
        &self,
        keys: &'k RootKeys,
        verifier: &str,
    ) -> impl Iterator<Item = Redemption> + use<'k> {
        let message = [b"family\0", self.0.as_bytes(), b"\0", verifier.as_bytes()].concat();
        let families: Vec<_> = keys.macs(Purpose::OAuth, &message).collect();
        self.digests(keys).zip(families).map(|(code, mac)| {
            let mut family = [0; FAMILY];
            family.copy_from_slice(mac.split_at(FAMILY).0);
            Redemption { code, family }
        })
    }
}

/// Whether the app that knows `verifier` set out with `challenge` (RFC 7636 §4.6, S256).
#[must_use]
pub fn answers(verifier: &str, challenge: &str) -> bool {
    let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    compare::equal(digest.as_bytes(), challenge.as_bytes())
}

/// Whether this is 32 bytes in base64url, in its one spelling: a state, a code, a challenge of S256.
#[must_use]
pub fn is_digest(text: &str) -> bool {
    text.len() == CHARS
        && URL_SAFE_NO_PAD
            .decode(text)
            .map(Zeroizing::new)
            .is_ok_and(|bytes| bytes.len() == BYTES)
}

fn fresh(random: Random) -> Result<Zeroizing<String>> {
    let bytes = Zeroizing::new(random.bytes::<BYTES>()?);
    Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes)))
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code([redacted])")
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("State([redacted])")
    }
}

impl fmt::Debug for Companions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Companions([redacted])")
    }
}

/// Bytes of a state: 256 bits, where SEC-100 asks for 128.
const BYTES: usize = 32;
/// Characters of one.
const CHARS: usize = 43;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretText;

    const OLD: &str = "old: 7Yc1Vb0pQ3nXzT5rKe8uGm2sWj9dLf4h";
    const NEW: &str = "new: hZ6tR1vBq8yNc3xMw7kPs5gDj2fLa9eU";

    fn keys(secrets: &[&str]) -> RootKeys {
        RootKeys::new(secrets.iter().map(|text| SecretText::from(*text)).collect()).unwrap()
    }

    #[test]
    fn sec_100_what_belongs_to_a_state_is_found_again_after_a_rotation_and_is_nobody_elses() {
        let state = State::issue(&Random::system()).unwrap();
        let before: Vec<_> = state.companions(&keys(&[OLD])).collect();
        let after: Vec<_> = state.companions(&keys(&[NEW, OLD])).collect();
        assert_eq!((before.len(), after.len()), (1, 2));
        assert_eq!(before[0].id, after[1].id);
        assert_eq!(before[0].verifier, after[1].verifier);
        assert_ne!(after[0].id, after[1].id);
        assert_eq!(before[0].verifier.len(), 64);
        assert_ne!(before[0].verifier[..43], before[0].nonce[..]);
        let other = State::issue(&Random::system()).unwrap();
        assert_ne!(
            other.companions(&keys(&[OLD])).next().unwrap().id,
            before[0].id
        );
        assert_ne!(other.cookie(), state.cookie());
    }

    #[test]
    fn a_code_is_no_state_of_the_same_text() {
        let code = Code::issue(&Random::system()).unwrap();
        let keys = keys(&[NEW, OLD]);
        let state = State::parse(code.expose()).unwrap();
        let states: Vec<_> = state.companions(&keys).map(|it| it.id).collect();
        let codes: Vec<_> = code.digests(&keys).collect();
        assert_eq!((states.len(), codes.len()), (2, 2));
        assert!(codes.iter().all(|id| !states.contains(id)));
        assert_eq!(format!("{code:?}"), "Code([redacted])");
    }

    #[test]
    fn a_code_and_its_verifier_name_one_family_each() {
        let (code, other) = (
            Code::issue(&Random::system()).unwrap(),
            Code::issue(&Random::system()).unwrap(),
        );
        let named = |code: &Code, secrets: &[&str], verifier: &str| -> Vec<String> {
            let keys = keys(secrets);
            let all = code.redemptions(&keys, verifier);
            all.map(|it| it.family()).collect()
        };
        let own = named(&code, &[OLD], "v");
        assert_eq!(own, named(&code, &[NEW, OLD], "v")[1..]);
        assert_eq!(own[0].len(), 32);
        for strange in [
            named(&code, &[NEW], "v"),
            named(&code, &[OLD], "w"),
            named(&code, &[OLD], ""),
            named(&other, &[OLD], "v"),
        ] {
            assert_ne!(own, strange);
        }
        let keys = keys(&[NEW, OLD]);
        let rows = code.redemptions(&keys, "v").map(|it| it.code);
        assert!(rows.eq(code.digests(&keys)));
    }

    #[test]
    fn a_verifier_answers_its_own_challenge() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(is_digest(challenge) && answers(verifier, challenge));
        assert!(!answers(challenge, challenge) && !answers("", challenge));
        // The last character carries two bits that nothing says.
        assert!(!is_digest(&challenge.replace("cM", "cN")));
    }

    #[test]
    fn sec_100_a_state_has_one_spelling() {
        let state = State::issue(&Random::system()).unwrap();
        let text = state.expose();
        assert!(State::parse(text).is_some_and(|read| read.is_in(text)));
        for end in 0..text.len() {
            assert!(State::parse(&text[..end]).is_none());
        }
        for odd in [format!("{text}="), format!(" {text}"), format!("{text}A")] {
            assert!(State::parse(&odd).is_none());
        }
        assert!(!state.is_in("") && !state.is_in(&text[1..]));
        assert_eq!(format!("{state:?}"), "State([redacted])");
    }
}
