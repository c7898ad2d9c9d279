//! A provider's tokens, kept for the application's own calls.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::ProviderTokens;
use crate::clock::Timestamp;
use crate::secret::SecretText;

/// What a provider gave for somebody's last sign-in: it opens its own API, as far as the scopes go that were asked for.
///
/// # Security
/// Whoever has it acts there as that person. Never put it into an answer, a page or a log.
pub struct KeptTokens {
    access: SecretText,
    refresh: Option<SecretText>,
    expires_at: Option<OffsetDateTime>,
}

/// As it is written before it is encrypted.
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    access: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    refresh: Option<std::borrow::Cow<'a, str>>,
    /// Seconds since the Unix epoch.
    expires: Option<i64>,
}

impl KeptTokens {
    /// The access token, for `Authorization: Bearer`.
    #[must_use]
    pub fn access_token(&self) -> &str {
        self.access.expose()
    }

    /// The refresh token, where the provider gave one: some do only when asked for a scope such as `offline_access`.
    #[must_use]
    pub fn refresh_token(&self) -> Option<&str> {
        self.refresh.as_ref().map(|text| text.expose().as_str())
    }

    /// When the access token is over, where the provider said so.
    #[must_use]
    pub fn expires_at(&self) -> Option<OffsetDateTime> {
        self.expires_at
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let written: Written<'_> = serde_json::from_slice(bytes).ok()?;
        let instant = |secs| OffsetDateTime::from_unix_timestamp(secs).ok();
        Some(Self {
            access: SecretText::from(written.access.into_owned()),
            refresh: written
                .refresh
                .map(|text| SecretText::from(text.into_owned())),
            expires_at: written.expires.and_then(instant),
        })
    }
}

impl ProviderTokens {
    /// As [`KeptTokens::read`] reads it.
    pub(crate) fn write(&self, now: Timestamp) -> Zeroizing<Vec<u8>> {
        let written = Written {
            access: self.access.expose().into(),
            refresh: self.refresh.as_ref().map(|text| text.expose().into()),
            expires: self.expires_in.map(|span| now.plus(span).as_secs()),
        };
        Zeroizing::new(serde_json::to_vec(&written).unwrap_or_default())
    }
}

impl fmt::Debug for KeptTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptTokens")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
