//! The one source of randomness: the operating system's generator.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// Fills `buf` from the operating system's generator.
///
/// # Errors
/// [`Error::Random`] if the system gives nothing; `buf` must then not be used.
pub fn fill(buf: &mut [u8]) -> Result<()> {
    Random::system().fill(buf)
}

/// A handle on the generator, passed to whatever draws random values so that a test can make it fail.
///
/// # Security
/// There is no seed and no fall-back: a handle either reads the operating system's generator or fails.
#[derive(Debug, Clone, Copy, Default)]
pub struct Random(Source);

#[derive(Debug, Clone, Copy, Default)]
enum Source {
    #[default]
    System,
    Failing,
}

impl Random {
    /// The operating system's generator.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A generator that always fails, for tests of what happens then. It cannot weaken anything: it gives no bytes.
    #[must_use]
    pub const fn failing() -> Self {
        Self(Source::Failing)
    }

    /// Fills `buf`.
    ///
    /// # Errors
    /// [`Error::Random`] if the system gives nothing; `buf` must then not be used.
    pub fn fill(&self, buf: &mut [u8]) -> Result<()> {
        match self.0 {
            Source::System => getrandom::fill(buf).map_err(|_| Error::Random),
            Source::Failing => Err(Error::Random),
        }
    }

    /// `N` random bytes.
    ///
    /// # Errors
    /// [`Error::Random`] if the system gives nothing.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// A secret of 256 bits without meaning: 43 characters of unpadded base64url.
    ///
    /// # Errors
    /// [`Error::Random`] if the system gives nothing.
    pub fn token(&self) -> Result<String> {
        Ok(URL_SAFE_NO_PAD.encode(self.bytes::<32>()?))
    }

    /// A secret of 256 bits without meaning: 64 lower-case hexadecimal characters.
    ///
    /// # Errors
    /// [`Error::Random`] if the system gives nothing.
    pub fn hex_token(&self) -> Result<String> {
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
        Ok(self
            .bytes::<32>()?
            .iter()
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)])
            .collect())
    }

    /// A random (version 4) UUID. An id, never a secret.
    ///
    /// # Errors
    /// [`Error::Random`] if the system gives nothing.
    pub fn uuid_v4(&self) -> Result<Uuid> {
        Ok(uuid::Builder::from_random_bytes(self.bytes()?).into_uuid())
    }

    /// A time-ordered (version 7) UUID for the instant `now`; ids of the same millisecond are in no order. An id, never
    /// a secret: it tells when it was made.
    ///
    /// # Errors
    /// [`Error::Random`] if the system gives nothing.
    pub fn uuid_v7(&self, now: Timestamp) -> Result<Uuid> {
        let millis = u64::try_from(now.as_micros().div_euclid(1000)).unwrap_or(0);
        Ok(uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()?).into_uuid())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn sec_043_tokens_are_long_enough_evenly_spread_and_never_repeat() {
        let random = Random::system();
        let mut seen = HashSet::new();
        let mut counts = [0_f64; 256];

        for _ in 0..100_000 {
            let token = random.token().unwrap();
            assert_eq!(token.len(), 43);
            for byte in URL_SAFE_NO_PAD.decode(&token).unwrap() {
                counts[usize::from(byte)] += 1.0;
            }
            assert!(seen.insert(token));
        }

        // 255 degrees of freedom: mean 255, standard deviation 22.6. The bounds are eight deviations wide.
        let expected = 32.0 * 100_000.0 / 256.0;
        let chi: f64 = counts
            .iter()
            .map(|count| (count - expected).powi(2) / expected)
            .sum();
        assert!((75.0..435.0).contains(&chi), "chi-squared is {chi}");
    }

    #[test]
    fn sec_140_a_failing_generator_is_an_error_everywhere() {
        let random = Random::failing();

        assert!(matches!(random.fill(&mut [0; 4]), Err(Error::Random)));
        assert!(matches!(random.bytes::<16>(), Err(Error::Random)));
        assert!(matches!(random.token(), Err(Error::Random)));
        assert!(matches!(random.hex_token(), Err(Error::Random)));
        assert!(matches!(random.uuid_v4(), Err(Error::Random)));
        assert!(matches!(
            random.uuid_v7(Timestamp::from_micros(0)),
            Err(Error::Random)
        ));
    }

    #[test]
    fn a_hex_token_has_64_lower_case_digits() {
        let token = Random::system().hex_token().unwrap();

        assert_eq!(token.len(), 64);
        assert!(
            token.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')),
            "{token}"
        );
    }

    #[test]
    fn uuids_carry_their_version_and_version_7_its_instant() {
        let random = Random::system();
        let early = random
            .uuid_v7(Timestamp::from_micros(1_700_000_000_123_456))
            .unwrap();
        let late = random
            .uuid_v7(Timestamp::from_micros(1_700_000_000_124_456))
            .unwrap();

        assert_eq!(random.uuid_v4().unwrap().get_version_num(), 4);
        assert_eq!(early.get_version_num(), 7);
        assert_eq!(early.as_u128() >> 80, 1_700_000_000_123);
        assert!(early < late);
    }
}
