//! Calls to providers.

use std::fmt;

use axum::http::{Request, Response};

use super::BoxFuture;

/// Makes the calls to providers.
pub trait HttpClient: Send + Sync + 'static {
    /// Makes one call.
    ///
    /// # Errors
    /// [`HttpError`] if there is no answer. An answer with an error status is an answer.
    fn call(
        &self,
        request: Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<Response<Vec<u8>>, HttpError>>;
}

/// Why a call has no answer that can be used.
pub struct HttpError(Box<dyn std::error::Error + Send + Sync>);

impl HttpError {
    /// What went wrong, for the log.
    #[must_use]
    pub fn new(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl std::error::Error for HttpError {}
