//! Calls to providers: what one may take, and who makes it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{ACCEPT, AUTHORIZATION, USER_AGENT};
use axum::http::{HeaderValue, Request, Response, StatusCode};
use serde_json::Value;
use url::Url;

use super::addresses::Reach;
use super::connect::Hyper;
use super::{BoxFuture, Failure};
use crate::crypto::json;

/// Makes the calls to providers. The client that is built in needs no setting up; one of your own goes through a proxy, trusts
/// an authority of your own, or stands in for a provider in a test.
///
/// ```
/// # use crudauth_runtime as crudauth;
/// use axum::http::{Request, Response};
/// use crudauth::oauth::{BoxFuture, HttpClient, HttpError};
///
/// /// A provider that is down.
/// struct Down;
///
/// impl HttpClient for Down {
///     fn call(&self, _: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, HttpError>> {
///         Box::pin(async { Err(HttpError::new("connection refused")) })
///     }
/// }
/// ```
///
/// # Security
/// Every answer that comes through here is refused if it took more than 5 seconds, redirects, or has more than 1 MiB. What else
/// the client that is built in does is up to yours: it checks certificates, takes no proxy from the environment, stops reading
/// at 1 MiB, follows no redirect, and connects to public addresses only, so that no provider has it call servers in your
/// network.
pub trait HttpClient: Send + Sync + 'static {
    /// Makes one call, and follows no redirect.
    ///
    /// # Errors
    /// [`HttpError`] if there is no answer. An answer with an error status is an answer.
    fn call(
        &self,
        request: Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<Response<Vec<u8>>, HttpError>>;
}

/// Why a call has no answer that can be used.
pub struct HttpError(Box<dyn Error + Send + Sync>);

/// Makes the calls to one provider, and holds their answers to the limits.
#[derive(Clone)]
pub(super) struct Caller {
    client: Arc<dyn HttpClient>,
    reach: Reach,
}

/// How long a call may take in all.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Most bytes of an answer.
pub(super) const MAX_BODY: usize = 1024 * 1024;

/// GitHub refuses calls without a name.
const NAME: HeaderValue = HeaderValue::from_static("crudauth");

impl Caller {
    /// By `client`, or by the one that is built in.
    pub(super) fn new(client: Option<Arc<dyn HttpClient>>, reach: Reach) -> Result<Self, String> {
        let client = match client {
            Some(client) => client,
            None => Arc::new(Hyper::new(reach)?),
        };
        Ok(Self { client, reach })
    }

    pub(super) const fn reach(&self) -> Reach {
        self.reach
    }

    /// The JSON at `url`, for whoever holds `token` if there is one.
    pub(super) async fn json(&self, url: &Url, token: Option<&str>) -> Result<Value, Failure> {
        let mut request = Request::get(url.as_str())
            .header(ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|_| Failure::new("the URL cannot be asked for"))?;
        if let Some(token) = token {
            let mut bearer = HeaderValue::from_str(&format!("Bearer {token}"))
                .map_err(|_| Failure::new("the access token fits in no header"))?;
            bearer.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, bearer);
        }
        let answer = self.send(request).await?;
        if answer.status() != StatusCode::OK {
            return Err(Failure::of(format!("it answered {}", answer.status())));
        }
        json::parse(answer.body()).ok_or(Failure::new("its answer is not one JSON text"))
    }

    /// Makes one call.
    pub(super) async fn send(
        &self,
        mut request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, HttpError> {
        let url = Url::parse(&request.uri().to_string()).map_err(HttpError::new)?;
        if !self.reach.may_call(&url) {
            return Err(HttpError::new("the URL is neither https nor on loopback"));
        }
        request.headers_mut().entry(USER_AGENT).or_insert(NAME);
        let answer = tokio::time::timeout(PATIENCE, self.client.call(request))
            .await
            .map_err(|_| HttpError::new("no whole answer within 5 seconds"))??;
        if answer.status().is_redirection() {
            // RFC 9700 §4.12 and the like: what we send is meant for the one we send it to.
            return Err(HttpError::new("it redirects, and no redirect is followed"));
        }
        if answer.body().len() > MAX_BODY {
            return Err(HttpError::new("its answer has more than 1 MiB"));
        }
        Ok(answer)
    }
}

impl HttpError {
    /// What went wrong, for the log: no header, no body.
    #[must_use]
    pub fn new(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for HttpError {
    /// With the causes: what a client says itself is often no more than "connect error".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Error for HttpError {}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("reach", &self.reach)
            .finish_non_exhaustive()
    }
}
