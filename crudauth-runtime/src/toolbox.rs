//! What routes that the application writes itself are made of, so that they keep the hardening of ours.

use std::fmt;

use axum::http::request::Parts;

use crate::account::AuthUser;
use crate::authenticate::{Credentials, Proven, Verdict, prove};
use crate::authority::{Authority, client, engine};
use crate::crypto::{Normalized, PasswordSource};
use crate::engine::Client;
use crate::error::Result;
use crate::http::cookie::one;
use crate::http::origin::check_origin;
use crate::http::problem::Problem;
use crate::judge::{self, BadPassword};

/// Somebody who has just given the right identifier and password: hand it to `auth.sessions().open(…)` or
/// `auth.tokens().issue(…)`. Dropped, nobody is signed in and nothing is counted.
pub struct SignedIn<U: AuthUser> {
    proven: Proven<U>,
    client: Client,
}

impl<U: AuthUser> SignedIn<U> {
    /// The account.
    #[must_use]
    pub fn user(&self) -> &U {
        &self.proven.proof.user
    }

    pub(crate) fn into_parts(self) -> (Proven<U>, Client) {
        (self.proven, self.client)
    }
}

impl<U: AuthUser> fmt::Debug for SignedIn<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SignedIn").field(self.user().id()).finish()
    }
}

/// What became of a sign-in.
#[derive(Debug)]
#[non_exhaustive]
pub enum PasswordOutcome<U: AuthUser> {
    /// The budget of the address or of the account is spent; the password was not looked at.
    Locked {
        /// Whole seconds until trying again makes sense.
        retry_after: u64,
    },
    /// Unknown, wrong or disabled. Answer alike.
    Refused,
    /// Right.
    SignedIn(Box<SignedIn<U>>),
}

/// Looks up who `identifier` names and verifies the password, under the lockout that `/login` and `/token` share, and tells the
/// hooks `login_failed` and `lockout`. `transport` is what a success is going to open, for those hooks.
///
/// # Errors
/// When the database or the hashing queue fails.
///
/// # Security
/// A route whose answer sets a cookie calls [`refuse_cross_site`] first, as `/login` does.
pub async fn authenticate_password<A: Authority>(
    auth: &A,
    parts: &Parts,
    transport: &'static str,
    identifier: &str,
    password: &str,
) -> Result<PasswordOutcome<A::User>> {
    let client = client::<A>(parts);
    let device = A::TRANSPORTS
        .iter()
        .filter_map(|transport| transport.device_cookie)
        .find_map(|name| one(&parts.headers, name));
    let credentials = Credentials {
        identifier,
        password: Normalized::new(password, A::POLICY.password.max).ok(),
        device,
        client: &client,
        transport,
    };
    let verdict = prove(engine(auth), &credentials).await?;
    Ok(match verdict {
        Verdict::Locked(retry_after) => PasswordOutcome::Locked { retry_after },
        Verdict::Refused => PasswordOutcome::Refused,
        Verdict::Proven(proven) => PasswordOutcome::SignedIn(Box::new(SignedIn { proven, client })),
    })
}

/// Refuses an unsafe request that a page of another site sent: before a sign-in whose answer sets a cookie, because that page
/// would sign its visitor in as somebody else (login CSRF). Requests of programs pass.
///
/// # Errors
/// [`Problem::CrossSiteLogin`], the 403 of `/login`.
pub fn refuse_cross_site<A: Authority>(
    auth: &A,
    parts: &Parts,
) -> std::result::Result<(), Problem> {
    let origins = auth.core().origins.as_deref();
    check_origin(&parts.method, &parts.uri, &parts.headers, origins, false)
        .map_err(|_| Problem::CrossSiteLogin)
}

/// Judges a new password by the rules of the block and then by the hook `check_password`; what to change, one sentence each.
/// Empty for a good one.
///
/// # Errors
/// When the database or the hashing queue fails.
pub async fn validate_password<A: Authority>(
    auth: &A,
    password: &str,
    source: PasswordSource,
    user: Option<&A::User>,
) -> Result<Vec<String>> {
    let max = A::POLICY.password.max;
    let Ok(password) = Normalized::new(password, max) else {
        return Ok(vec![format!("Password should have at most {max} bytes")]);
    };
    let account = user.map(AuthUser::account);
    let context = judge::context(
        account.as_ref().and_then(|account| account.email),
        account.as_ref().and_then(|account| account.username),
        source,
    );
    let judged = judge::judge_password(engine(auth), &password, &context).await;
    Ok(match judged {
        Ok(()) => Vec::new(),
        Err(BadPassword::Rules(unmet)) => unmet.iter().map(|rule| rule.message()).collect(),
        Err(BadPassword::Refused(sentence)) => vec![sentence],
    })
}
