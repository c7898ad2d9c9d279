//! The one table from what went wrong to what the client is told.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::issue::Issue;
use super::rate_headers::RateInfo;
use crate::error::Error;

/// How one problem is told: its status, its stable name and its sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The status.
    pub status: StatusCode,
    /// The stable name; renaming one breaks clients.
    pub code: &'static str,
    /// The sentence. Empty where the problem composes its own.
    pub detail: &'static str,
}

macro_rules! problems {
    ($(
        $(#[$doc:meta])*
        $name:ident $({ $($(#[$field_doc:meta])* $field:ident: $ty:ty),+ $(,)? })? $(($inner:ty))?
            = $status:ident $code:literal $detail:literal;
    )*) => {
        /// Every answer that refuses a request. The body is `{"detail":…,"code":…}`.
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum Problem {
            $($(#[$doc])* $name $({ $($(#[$field_doc])* $field: $ty),+ })? $(($inner))?,)*
        }

        impl Problem {
            /// All rows, in the order of the table.
            pub const ROWS: &[Row] =
                &[$(Row { status: StatusCode::$status, code: $code, detail: $detail }),*];

            /// This problem's row.
            #[must_use]
            pub const fn row(&self) -> Row {
                match self {
                    $(Self::$name { .. } => Row { status: StatusCode::$status, code: $code, detail: $detail },)*
                }
            }
        }
    };
}

problems! {
    /// No credential, or a dead one.
    NotAuthenticated = UNAUTHORIZED "not_authenticated" "Not authenticated";
    /// Unknown identifier, wrong password and closed account alike.
    IncorrectCredentials = UNAUTHORIZED "incorrect_credentials" "Incorrect username or password";
    /// A bearer token that does not verify.
    InvalidToken = UNAUTHORIZED "invalid_token" "Invalid token";
    /// `/refresh` without a refresh token.
    RefreshTokenMissing = UNAUTHORIZED "refresh_token_missing" "Refresh token missing";
    /// A refresh token that is unknown, expired, spent or revoked, or whose account is gone, disabled or moved on.
    RefreshTokenInvalid = UNAUTHORIZED "refresh_token_invalid" "Invalid or expired refresh token";
    /// The caller's own password, asked for again, was wrong.
    CurrentPasswordIncorrect = UNAUTHORIZED "current_password_incorrect" "Current password is incorrect.";
    /// `POST /sudo` with a wrong password.
    SudoPasswordIncorrect = UNAUTHORIZED "sudo_password_incorrect" "Incorrect password";
    /// A one-time code that is wrong, or that the account has no use for.
    InvalidCode = UNAUTHORIZED "invalid_code" "Invalid code";

    /// An unsafe request under a session cookie without a CSRF token.
    CsrfMissing = FORBIDDEN "csrf_missing" "Missing CSRF token";
    /// An unsafe request under a session cookie with a CSRF token that is not this session's.
    CsrfInvalid = FORBIDDEN "csrf_invalid" "Invalid CSRF token";
    /// The guard `superuser` said no.
    InsufficientPrivileges = FORBIDDEN "insufficient_privileges" "Insufficient privileges";
    /// The guard `verified` said no.
    NotVerified = FORBIDDEN "not_verified" "Recovery factor not verified";
    /// The guard `scope` said no.
    InsufficientScope = FORBIDDEN "insufficient_scope" "Insufficient scope";
    /// The guard `sudo` said no.
    SudoRequired = FORBIDDEN "sudo_required" "Re-authentication required.";
    /// `POST /sudo` by a caller without a session.
    SessionRequired = FORBIDDEN "session_required" "Sudo requires a session-backed login.";
    /// The session ended while its owner was proving who it is.
    SessionGone = FORBIDDEN "session_gone" "Session no longer exists.";
    /// A gate of the application said no.
    AccessDenied = FORBIDDEN "access_denied" "Access denied";
    /// The session was opened too long ago for this.
    RecentSignInRequired = FORBIDDEN "recent_sign_in_required" "Sign in again to continue: this needs a recent sign-in.";
    /// A foreign page tried to sign its visitor in.
    CrossSiteLogin = FORBIDDEN "cross_site_login" "Cross-site login requests are not allowed.";
    /// A foreign page sent an unsafe request.
    CrossSite = FORBIDDEN "cross_site" "Cross-site requests are not allowed.";

    /// A rate limit is used up.
    RateLimited {
        /// Whole seconds until the window ends.
        retry_after: u64,
        /// Requests that the window allows.
        limit: u32,
    } = TOO_MANY_REQUESTS "rate_limited" "Too many requests. Try again later.";
    /// The sign-in lockout is closed.
    LockedOut {
        /// Whole seconds until it opens.
        retry_after: u64,
    } = TOO_MANY_REQUESTS "locked_out" "Too many login attempts. Try again later.";
    /// Too many wrong proofs at `POST /sudo`.
    SudoLocked {
        /// Whole seconds until the next is looked at.
        retry_after: u64,
    } = TOO_MANY_REQUESTS "sudo_locked" "Too many attempts. Try again later.";

    /// `/set-password` on an account that has one.
    AlreadyHasPassword = BAD_REQUEST "already_has_password"
        "Account already has a password; use the password reset flow to change it.";
    /// `/change-password` on an account that has none.
    NoPassword = BAD_REQUEST "no_password" "Account has no password; use /set-password to create one.";
    /// `/csrf/refresh` where CSRF tokens are off.
    CsrfDisabled = BAD_REQUEST "csrf_disabled" "CSRF is disabled.";
    /// A mailed token that is unknown, expired or void, or whose account has changed since.
    LinkDead = BAD_REQUEST "link_dead" "Invalid or expired token";
    /// A mailed token that has been used.
    LinkUsed = BAD_REQUEST "link_used" "Token already used";
    /// The password that a change of address asks for was wrong.
    PasswordIncorrect = BAD_REQUEST "password_incorrect" "Incorrect password";
    /// The new address is the present one.
    SameEmail = BAD_REQUEST "same_email" "New email matches current email";
    /// No provider of this name is declared; the name ends the sentence.
    UnknownProvider(String) = BAD_REQUEST "unknown_provider" "";
    /// A provider did not vouch for anybody, or could not be understood.
    OAuthFailed = BAD_REQUEST "oauth_failed" "oauth_failed";
    /// What came back from a provider belongs to no sign-in of this browser.
    InvalidState = BAD_REQUEST "invalid_state" "Invalid or expired OAuth state";
    /// The provider gives no address.
    EmailMissing = BAD_REQUEST "email_missing" "email_missing";
    /// The provider does not say that the address was proven.
    EmailUnverified = BAD_REQUEST "email_unverified" "email_unverified";
    /// The address at the provider does not fit.
    EmailTooLong = BAD_REQUEST "email_too_long" "email_too_long";
    /// The account with that address has another identity of this provider.
    ProviderAlreadyLinked = BAD_REQUEST "provider_already_linked" "provider_already_linked";
    /// The account is disabled.
    AccountInactive = BAD_REQUEST "account_inactive" "account_inactive";
    /// Only the owner of the account can link this identity, signed in.
    LinkRequired = BAD_REQUEST "link_required" "link_required";
    /// The identity opens another account.
    IdentityTaken = BAD_REQUEST "identity_taken" "identity_taken";
    /// A one-time code that is unknown, spent or expired, that is another app's, or whose account was disabled or moved on.
    InvalidGrant = BAD_REQUEST "invalid_grant" "Invalid or expired code";
    /// A request that breaks off or breaks the protocol.
    BadRequest = BAD_REQUEST "bad_request" "Bad Request";

    /// Fields are wrong. `detail` is the list of issues.
    Validation(Vec<Issue>) = UNPROCESSABLE_ENTITY "validation_error" "";
    /// The new password is the present one. `detail` is a list of one issue.
    SamePassword = UNPROCESSABLE_ENTITY "same_password" "";
    /// The e-mail address has an account.
    EmailTaken = UNPROCESSABLE_ENTITY "email_taken" "Email already registered";
    /// The address that an account is to move to has another account by now.
    EmailInUse = UNPROCESSABLE_ENTITY "email_in_use" "Email already in use";
    /// The user name has an account.
    UsernameTaken = UNPROCESSABLE_ENTITY "username_taken" "Username already taken";
    /// Another unique column has this value; the field's name opens the sentence.
    FieldTaken(&'static str) = UNPROCESSABLE_ENTITY "field_taken" "";
    /// A collision that could not be traced to a field.
    AccountExists = UNPROCESSABLE_ENTITY "account_exists" "Account already exists";

    /// The session is unknown, ended or somebody else's.
    SessionNotFound = NOT_FOUND "session_not_found" "Session not found.";
    /// The identity is unknown, or somebody else's.
    IdentityNotFound = NOT_FOUND "identity_not_found" "Identity not found.";
    /// Without it nobody could sign in any more.
    LastWayIn = CONFLICT "last_way_in" "This is the only way to sign in to the account. Set a password or link another account first.";
    /// No such path.
    NotFound = NOT_FOUND "not_found" "Not Found";
    /// The path has other methods; the router adds `Allow`.
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed" "Method Not Allowed";
    /// The body came too slowly. The connection is closed.
    RequestTimeout = REQUEST_TIMEOUT "request_timeout" "Request Timeout";
    /// The body is above the limit. The connection is closed.
    PayloadTooLarge = PAYLOAD_TOO_LARGE "payload_too_large" "Payload Too Large";
    /// A body of a media type that the route does not read.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "Unsupported Media Type";

    /// A defect of ours.
    Internal = INTERNAL_SERVER_ERROR "internal_error" "Internal Server Error";
    /// A bounded queue is full.
    Busy {
        /// Whole seconds to wait.
        retry_after: u64,
    } = SERVICE_UNAVAILABLE "busy" "Service is busy. Try again later.";
    /// Something that we depend on does not answer.
    Unavailable = SERVICE_UNAVAILABLE "unavailable" "Service is unavailable. Try again later.";
}

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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_well_formed() {
        let mut seen = HashSet::new();
        for row in Problem::ROWS {
            assert!(seen.insert(row.code), "{} is used twice", row.code);
            assert!(
                row.code.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
                "{}",
                row.code
            );
            assert!(row.status.is_client_error() || row.status.is_server_error());
        }
    }

    #[test]
    fn bodies_are_the_contracts_plus_a_code() {
        assert_eq!(
            Problem::NotAuthenticated.body(),
            r#"{"detail":"Not authenticated","code":"not_authenticated"}"#
        );
        assert_eq!(
            Problem::FieldTaken("nickname").body(),
            r#"{"detail":"Nickname already taken","code":"field_taken"}"#
        );
        assert_eq!(
            Problem::issue(Issue::missing("password")).body(),
            r#"{"detail":[{"type":"missing","loc":["body","password"],"msg":"Field required"}],"code":"validation_error"}"#
        );
    }

    #[test]
    fn sec_136_problems_are_never_stored_by_caches() {
        for problem in [
            Problem::NotAuthenticated,
            Problem::Internal,
            Problem::Validation(Vec::new()),
        ] {
            let response = problem.into_response();
            assert_eq!(response.headers()["cache-control"], "no-store");
            assert_eq!(response.headers()["content-type"], "application/json");
        }
    }

    #[test]
    fn headers_tell_when_to_come_back_and_why() {
        let limited = Problem::RateLimited {
            retry_after: 17,
            limit: 5,
        }
        .into_response();
        assert_eq!(limited.status(), 429);
        assert_eq!(limited.headers()["retry-after"], "17");
        assert_eq!(limited.headers()["x-ratelimit-limit"], "5");
        assert_eq!(limited.headers()["x-ratelimit-remaining"], "0");
        assert_eq!(
            Problem::CsrfMissing.into_response().headers()["x-csrf-error"],
            "true"
        );
        assert_eq!(
            Problem::PayloadTooLarge.into_response().headers()["connection"],
            "close"
        );
        assert!(
            Problem::Unavailable
                .into_response()
                .headers()
                .contains_key("retry-after")
        );
    }

    #[test]
    fn sec_135_a_store_failure_says_nothing_to_the_client() {
        let problem = Problem::from(Error::Store("no such column: secret_column".into()));
        assert_eq!(
            problem.body(),
            r#"{"detail":"Internal Server Error","code":"internal_error"}"#
        );
        assert_eq!(
            Problem::from(Error::Busy(Duration::from_millis(1200))),
            Problem::Busy { retry_after: 2 }
        );
    }
}
