//! Why nobody was identified.

use std::borrow::Cow;
use std::fmt;

use super::http::HttpError;

/// Why a provider's answer, or the want of one, identifies nobody. For the log; whoever signs in is told no more than that it
/// failed.
///
/// # Security
/// Holds no secret, token, code or address: the reason is a text of the program, and nothing that a provider or a browser sent
/// is put into it.
#[derive(Clone)]
pub struct Failure(Cow<'static, str>);

impl Failure {
    /// A reason, as a sentence without a full stop.
    #[must_use]
    pub const fn new(reason: &'static str) -> Self {
        Self(Cow::Borrowed(reason))
    }

    /// A reason with details that are no secret.
    pub(super) const fn of(reason: String) -> Self {
        Self(Cow::Owned(reason))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl std::error::Error for Failure {}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        Self::of(error.to_string())
    }
}
