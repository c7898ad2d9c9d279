//! A problem as the client sees it: body and headers.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::{Problem, Row};
use crate::error::Error;
use crate::http::issue::Issue;
use crate::http::rate_headers::RateInfo;

/// The code of the problem that an answer tells, for middleware that answers in another form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Code(pub(crate) &'static str);

#[derive(Serialize)]
struct Wire<'a> {
    detail: Detail<'a>,
    code: &'static str,
    /// For OAuth clients, which take an answer without it for a token (RFC 6749 §5.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_description: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Detail<'a> {
    Text(&'a str),
    Composed(String),
    Issues(&'a [Issue]),
    One([Issue; 1]),
}

impl Problem {
    /// One issue on its own.
    #[must_use]
    pub fn issue(issue: Issue) -> Self {
        Self::Validation(vec![issue])
    }

    /// The status that the client sees.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.row().status
    }

    /// The stable name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.row().code
    }

    /// The body: compact JSON.
    #[must_use]
    pub fn body(&self) -> String {
        self.write(None)
    }

    fn write(&self, error: Option<&'static str>) -> String {
        let Row { code, detail, .. } = self.row();
        let error_description = error.map(|_| self.description());
        let detail = match self {
            Self::Validation(issues) => Detail::Issues(issues),
            Self::SamePassword => Detail::One([Issue::password_policy(
                "new_password",
                "Password should differ from the current one",
                Some("different"),
            )]),
            Self::UnknownProvider(name) => {
                Detail::Composed(format!("Unknown or unconfigured OAuth provider: '{name}'"))
            }
            Self::FieldTaken(field) => Detail::Composed(format!("{} already taken", label(field))),
            _ => Detail::Text(detail),
        };
        let wire = Wire {
            detail,
            code,
            error,
            error_description,
        };
        serde_json::to_string(&wire).unwrap_or_default()
    }

    /// The sentence alone, where the details are a list.
    fn description(&self) -> &'static str {
        match self.row().detail {
            "" => "The request is not valid.",
            sentence => sentence,
        }
    }

    /// The same answer for a client that speaks OAuth: with `error` and `error_description` beside the rest.
    pub(crate) fn into_oauth(self, error: &'static str) -> Response {
        let body = self.write(Some(error));
        let mut response = self.into_response();
        *response.body_mut() = Body::from(body);
        response
    }

    fn headers(&self, headers: &mut HeaderMap) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // Guards answer on routes of the application too: what selects such an answer is the credential.
        if matches!(
            self.status(),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        ) {
            headers.insert(VARY, CREDENTIALS);
        }
        match self {
            Self::CsrfMissing | Self::CsrfInvalid => {
                headers.insert(X_CSRF_ERROR, HeaderValue::from_static("true"));
            }
            // RFC 6750 §3.1.
            Self::InvalidToken => {
                headers.insert(WWW_AUTHENTICATE, INVALID_TOKEN);
            }
            Self::InsufficientScope => {
                headers.insert(WWW_AUTHENTICATE, INSUFFICIENT_SCOPE);
            }
            Self::RateLimited { retry_after, limit } => {
                headers.insert(RETRY_AFTER, HeaderValue::from(*retry_after));
                RateInfo {
                    limit: *limit,
                    remaining: 0,
                }
                .apply(headers);
            }
            Self::LockedOut { retry_after }
            | Self::SudoLocked { retry_after }
            | Self::Busy { retry_after } => {
                headers.insert(RETRY_AFTER, HeaderValue::from(*retry_after));
            }
            Self::Unavailable => {
                headers.insert(RETRY_AFTER, HeaderValue::from(UNAVAILABLE_RETRY_SECS));
            }
            // What is still on its way must not be read as the next request, nor be waited for.
            Self::BadRequest | Self::PayloadTooLarge | Self::RequestTimeout => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body()));
        *response.status_mut() = self.status();
        response.extensions_mut().insert(Code(self.code()));
        self.headers(response.headers_mut());
        response
    }
}

impl From<Error> for Problem {
    /// Logs what the operator has to know; the client learns only whether trying again may help.
    fn from(error: Error) -> Self {
        match error {
            Error::Busy(wait) => Self::Busy {
                retry_after: whole_secs(wait),
            },
            Error::Random => {
                tracing::error!("the operating system gave no random bytes");
                Self::Unavailable
            }
            Error::Unavailable(source) => {
                tracing::error!(error = ?loggable(&*source), "the database cannot be reached");
                Self::Unavailable
            }
            Error::Store(source) => {
                tracing::error!(error = ?loggable(&*source), "the database refused a statement");
                Self::Internal
            }
            Error::Config(problems) => {
                tracing::error!(?problems, "the settings are wrong");
                Self::Internal
            }
        }
    }
}

/// A field's name as the opening of a sentence: `phone_number` is "Phone number".
fn label(field: &str) -> String {
    let mut rest = field.chars();
    let first = rest.next().into_iter().flat_map(char::to_uppercase);
    first
        .chain(rest.map(|c| if c == '_' { ' ' } else { c }))
        .collect()
}

/// `wait` in whole seconds, rounded up: whoever comes back after that many does not come too early.
#[must_use]
pub fn whole_secs(wait: Duration) -> u64 {
    wait.as_secs()
        .saturating_add(u64::from(wait.subsec_nanos() > 0))
        .max(1)
}

/// The message of a store's failure, without values: the text of a violated constraint quotes the row (MySQL's
/// "Duplicate entry 'ada@example.com'"), so of those only the name is logged. The caller logs it with `Debug`, which
/// escapes control characters.
fn loggable(error: &(dyn std::error::Error + Send + Sync + 'static)) -> String {
    match error.downcast_ref::<sqlx::Error>() {
        Some(sqlx::Error::Database(database))
            if !matches!(database.kind(), sqlx::error::ErrorKind::Other) =>
        {
            format!(
                "{:?} of {}",
                database.kind(),
                database.constraint().unwrap_or("an unnamed constraint")
            )
        }
        _ => error.to_string().chars().take(LOGGED_CHARS).collect(),
    }
}

/// The request headers that select an answer: where the credentials stand.
pub(crate) const CREDENTIALS: HeaderValue = HeaderValue::from_static("Cookie, Authorization");
const INVALID_TOKEN: HeaderValue = HeaderValue::from_static(r#"Bearer error="invalid_token""#);
const INSUFFICIENT_SCOPE: HeaderValue =
    HeaderValue::from_static(r#"Bearer error="insufficient_scope""#);
const X_CSRF_ERROR: HeaderName = HeaderName::from_static("x-csrf-error");
const UNAVAILABLE_RETRY_SECS: u64 = 5;
const LOGGED_CHARS: usize = 500;
