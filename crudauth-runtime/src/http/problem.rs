//! The one table from what went wrong to what the client is told.

use axum::http::StatusCode;

use super::issue::Issue;

mod answer;

pub use answer::whole_secs;
pub(crate) use answer::{CREDENTIALS, Code};

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

#[cfg(test)]
#[path = "problem_tests.rs"]
mod tests;
