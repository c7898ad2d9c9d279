//! What a mounted route is handed besides its principal and its body.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::form::Form;
use super::json::Fields;
use super::problem::Problem;
use super::rate_headers::RateInfo;
use super::redirect::safe_redirect_path;
use super::{body, issue::Issue};
use crate::crypto::link::{LinkPurpose, Token};
use crate::crypto::{Normalized, Violation};
use crate::engine::{Counted, Engine};
use crate::judge::BadPassword;
use crate::links::Confirmation;
use crate::policy::Limit;
use crate::secret::SecretText;
use crate::{account::AuthUser, crypto::TooLong};

/// What a handler of ours returns.
pub(crate) type Answer = Result<Response, Problem>;

/// Reads a JSON body; none of `names` may stand in the query string as well (SEC-137).
pub(crate) async fn json(parts: &Parts, body: Body, names: &[&str]) -> Result<Fields, Problem> {
    body::refuse_in_query(&parts.uri, names)?;
    body::json(&parts.headers, body).await
}

/// Reads a form, likewise.
pub(crate) async fn form(parts: &Parts, body: Body, names: &[&str]) -> Result<Form, Problem> {
    body::refuse_in_query(&parts.uri, names)?;
    body::form(&parts.headers, body).await
}

/// Reads JSON where the request says so and a form otherwise, likewise.
#[cfg(feature = "oauth")]
pub(crate) async fn json_or_form(
    parts: &Parts,
    body: Body,
    names: &[&str],
) -> Result<Fields, Problem> {
    body::refuse_in_query(&parts.uri, names)?;
    body::json_or_form(&parts.headers, body).await
}

/// Reads the form of a sign-in by password (RFC 6749 §4.3.2, contract §1.2): identifier, password, and what else the route
/// takes from it.
pub(crate) async fn sign_in_form<T>(
    parts: &Parts,
    body: Body,
    more: impl FnOnce(&mut Form) -> T,
) -> Result<(String, SecretText, T), Problem> {
    let mut form = form(parts, body, &["username", "password"]).await?;
    let (identifier, password) = (form.text("username"), form.secret("password"));
    let more = more(&mut form);
    if form
        .optional_text("grant_type")
        .is_some_and(|grant| grant != "password")
    {
        form.push(Issue::pattern_mismatch("grant_type", "^password$"));
    }
    form.finish()?;
    match (identifier, password) {
        (Some(identifier), Some(password)) => Ok((identifier, password, more)),
        _ => Err(Problem::Internal),
    }
}

/// A compact JSON answer.
pub(crate) fn ok(body: &impl Serialize) -> Answer {
    let json = serde_json::to_vec(body).map_err(|_| Problem::Internal)?;
    let mut response = Response::new(Body::from(json));
    response.headers_mut().insert(
        axum::http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    Ok(response)
}

/// `{"detail": …}`
pub(crate) fn detail(text: &'static str) -> Answer {
    #[derive(Serialize)]
    struct Detail {
        detail: &'static str,
    }
    ok(&Detail { detail: text })
}

/// Reads a body that is a token and nothing else. `None` is what cannot be one: the answer is that of a dead one.
pub(crate) async fn token<P: LinkPurpose>(
    parts: &Parts,
    body: Body,
) -> Result<Option<Token<P>>, Problem> {
    let mut fields = json(parts, body, &["token"]).await?;
    let token = fields.secret("token");
    fields.finish()?;
    Ok(token.and_then(|text| Token::parse(text.expose())))
}

/// What became of a token: `{"detail": …}`, and where the browser goes, if the request that it was sent for said so. The
/// path is looked at again on its way out.
pub(crate) fn confirmed(confirmation: Confirmation, done: &'static str) -> Answer {
    #[derive(Serialize)]
    struct Confirmed<'a> {
        detail: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        redirect_to: Option<&'a str>,
    }
    match confirmation {
        Confirmation::Done(redirect_to) => ok(&Confirmed {
            detail: done,
            redirect_to: redirect_to.as_deref().and_then(safe_redirect_path),
        }),
        Confirmation::Dead => Err(Problem::LinkDead),
        Confirmation::Taken => Err(Problem::EmailInUse),
        Confirmation::Used => Err(Problem::LinkUsed),
    }
}

/// Why a new password is refused, at its field.
pub(crate) fn refusal(field: &str, bad: BadPassword) -> Problem {
    match bad {
        BadPassword::Rules(unmet) => violations(field, &unmet),
        BadPassword::Refused(sentence) => {
            Problem::issue(Issue::password_policy(field, sentence, None))
        }
    }
}

/// Runs `work` under a limit. Every answer carries the rate-limit headers, whatever became of the request.
pub(crate) async fn limited<U: AuthUser>(
    engine: &Engine<U>,
    (action, limit): (&str, Limit),
    who: &str,
    work: impl Future<Output = Answer>,
) -> Answer {
    let (limit, remaining) = match engine.count(action, limit, who).await? {
        Counted::Off => return work.await,
        Counted::Over { limit, retry_after } => {
            return Err(Problem::RateLimited { retry_after, limit });
        }
        Counted::Within { limit, remaining } => (limit, remaining),
    };
    let mut response = work.await.unwrap_or_else(IntoResponse::into_response);
    RateInfo { limit, remaining }.apply(response.headers_mut());
    Ok(response)
}

/// Answers a request that a limit does not count: it carries the headers all the same, and takes nothing from it.
pub(crate) async fn uncounted<U: AuthUser>(
    engine: &Engine<U>,
    (action, limit): (&str, Limit),
    who: &str,
    problem: Problem,
) -> Answer {
    let mut response = problem.into_response();
    if let Counted::Within { limit, remaining } = engine.standing(action, limit, who).await? {
        RateInfo { limit, remaining }.apply(response.headers_mut());
    }
    Ok(response)
}

/// Adds `error` and `error_description` to a refusal: a standard client takes a body without them for a token.
pub(crate) fn oauth(answer: Answer) -> Response {
    answer.unwrap_or_else(|problem| {
        let error = error(&problem);
        problem.into_oauth(error)
    })
}

/// RFC 6749 §5.2. What a client can do nothing about is told as §4.1.2.1 does.
fn error(problem: &Problem) -> &'static str {
    match problem {
        Problem::IncorrectCredentials | Problem::RefreshTokenInvalid | Problem::InvalidGrant => {
            "invalid_grant"
        }
        Problem::NotAuthenticated | Problem::InvalidToken => "invalid_client",
        Problem::Validation(issues) if issues.iter().any(|issue| issue.is_at("grant_type")) => {
            "unsupported_grant_type"
        }
        Problem::LockedOut { .. }
        | Problem::RateLimited { .. }
        | Problem::Busy { .. }
        | Problem::Unavailable => "temporarily_unavailable",
        Problem::Internal => "server_error",
        _ => "invalid_request",
    }
}

/// Appends cookies to an answer.
pub(crate) fn set_cookies(headers: &mut HeaderMap, cookies: impl IntoIterator<Item = HeaderValue>) {
    for cookie in cookies {
        headers.append(axum::http::header::SET_COOKIE, cookie);
    }
}

/// A new password in its normal form, or the issue that says it is too long. Checked before normalising (SEC-013).
pub(crate) fn new_password(
    text: &SecretText,
    field: &str,
    max: usize,
) -> Result<Normalized, Issue> {
    Normalized::new(text.expose(), max).map_err(|TooLong { .. }| Issue::string_too_long(field, max))
}

/// The rules a password does not meet, as issues of `field`.
pub(crate) fn violations(field: &str, violations: &[Violation]) -> Problem {
    let issue = |violation: &Violation| match violation.min_length() {
        Some(min) => Issue::string_too_short(field, min),
        None => Issue::password_policy(field, violation.message(), violation.requirement()),
    };
    Problem::Validation(violations.iter().map(issue).collect())
}
