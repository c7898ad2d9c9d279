//! How the end of a journey is told.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::flow::Refusal;
use super::{HasOAuth, exchange};
use crate::http::problem::Problem;
use crate::http::request::Answer;
use crate::store::journeys::StateRow;

/// Tells why nobody is signed in: to the app that sent the browser, else to whoever brought it.
pub(super) fn turn_away<A: HasOAuth>(row: Option<&StateRow>, problem: Problem) -> Answer {
    match row.and_then(exchange::target::<A>) {
        Some(app) => exchange::send_back(app, "error", problem.code()),
        None => refuse::<A>(problem, A::OAUTH.json),
    }
}

/// Tells why nobody is signed in: to the page by its code, or as JSON. An answer like any other, for the journey ends here, and its
/// cookie with it.
pub(super) fn refuse<A: HasOAuth>(problem: Problem, json: bool) -> Answer {
    if json {
        return Ok(problem.into_response());
    }
    let (page, fragment) = match A::OAUTH.default_redirect.split_once('#') {
        Some((page, fragment)) => (page, format!("#{fragment}")),
        None => (A::OAUTH.default_redirect, String::new()),
    };
    let join = if page.contains('?') { '&' } else { '?' };
    let code = problem.code();
    redirect(
        StatusCode::TEMPORARY_REDIRECT,
        &format!("{page}{join}error={code}{fragment}"),
    )
}

/// What is in the address bar goes nowhere else, and nobody keeps the way.
pub(super) fn redirect(status: StatusCode, to: &str) -> Answer {
    let location = HeaderValue::try_from(to).map_err(|_| Problem::Internal)?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response.into_response())
}

pub(super) const fn problem(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::AccountInactive => Problem::AccountInactive,
        Refusal::EmailMissing => Problem::EmailMissing,
        Refusal::EmailTooLong => Problem::EmailTooLong,
        Refusal::EmailUnverified => Problem::EmailUnverified,
        Refusal::Failed => Problem::OAuthFailed,
        Refusal::LinkRequired => Problem::LinkRequired,
        Refusal::ProviderAlreadyLinked => Problem::ProviderAlreadyLinked,
    }
}
