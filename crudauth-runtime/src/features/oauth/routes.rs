//! To the provider and back, over HTTP.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::REFERRER_POLICY;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use serde::Serialize;

use super::answers::{problem, redirect, refuse, turn_away};
use super::flow::{self, Arrival, Arrived, Departure, Linked, Resolution};
use super::{HasOAuth, exchange};
use crate::account::{AccountKey, AuthUser};
use crate::authority::{Enter, Entry, client, engine};
use crate::crypto::journey::State as Journeying;
use crate::http::body::{self, query_flag, query_texts};
use crate::http::cookie::{Cookie, one};
use crate::http::problem::Problem;
use crate::http::redirect::safe_redirect_path;
use crate::http::request::{Answer, limited, ok, set_cookies};
use crate::oauth::{Client, Clients, Identified};
use crate::principal::{Principal, authenticate};
use crate::store::journeys::{Journey, StateRow};

/// `GET /oauth/{provider}/authorize`. Sends the browser to a provider, to sign in there.
pub(super) async fn authorize<A: HasOAuth>(
    State(auth): State<A>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Answer {
    let (parts, _) = request.into_parts();
    let clients = clients(&auth)?;
    let provider = provider(clients, path)?;
    let limit = ("oauth_authorize", A::POLICY.rate_limit.oauth_authorize);
    let who = client::<A>(&parts).group;
    let work = async {
        let redirect_uri = redirect_uri::<A>(clients, provider);
        let names = [
            "redirect_to",
            "code_challenge",
            "code_challenge_method",
            "scope",
        ];
        let [redirect_to, wish @ ..] = query_texts(&parts.uri, names)?;
        let remember = query_flag(&parts.uri, "remember_me", false)?;
        let by_app = exchange::asked::<A>(redirect_to.as_deref(), wish)?;
        let departure = match &by_app {
            Some(app) => app.departure(&redirect_uri),
            None => Departure {
                journey: Journey::SignIn,
                owner: None,
                redirect_to: redirect_to.as_deref().and_then(safe_redirect_path),
                remember,
                wish: None,
                redirect_uri: &redirect_uri,
            },
        };
        depart(&auth, provider, departure, A::OAUTH.json).await
    };
    limited(engine(&auth), limit, &who, work).await
}

/// Where the browser goes: by a redirect, or as JSON for a page that sends it there itself.
pub(super) async fn depart<A: HasOAuth>(
    auth: &A,
    provider: &Client,
    departure: Departure<'_, <A::User as AuthUser>::Id>,
    json: bool,
) -> Answer {
    #[derive(Serialize)]
    struct Go<'a> {
        url: &'a str,
    }
    let policy = A::OAUTH;
    let Some((url, state)) = flow::depart(engine(auth), &policy, provider, departure).await? else {
        return refuse::<A>(Problem::OAuthFailed, json);
    };
    let mut response = if json {
        ok(&Go { url: &url })?
    } else {
        redirect(StatusCode::TEMPORARY_REDIRECT, &url)?
    };
    let name = state.cookie();
    let cookie = Cookie::new(&name).secure(secure::<A>());
    let cookie = cookie.set(state.expose(), Some(policy.state_ttl));
    set_cookies(response.headers_mut(), [cookie]);
    Ok(response)
}

/// `GET /oauth/{provider}/callback`. Where the provider sends the browser back: signs in, or links.
pub(super) async fn callback<A: HasOAuth>(
    State(auth): State<A>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Answer {
    let mut response = come_home(auth, path, request).await?;
    // As JSON too: the URL of the page has the code in it.
    let silent = HeaderValue::from_static("no-referrer");
    response.headers_mut().insert(REFERRER_POLICY, silent);
    Ok(response)
}

async fn come_home<A: HasOAuth>(
    auth: A,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Answer {
    let (mut parts, _) = request.into_parts();
    let clients = clients(&auth)?;
    let provider = provider(clients, path)?;
    let Ok([code, brought, issuer, error]) =
        query_texts(&parts.uri, ["code", "state", "iss", "error"])
    else {
        return refuse::<A>(Problem::OAuthFailed, A::OAUTH.json);
    };
    let state = brought.as_deref().and_then(Journeying::parse);
    let mut response = match (state.as_ref(), code, error) {
        (Some(state), _, _) if !is_bound(&parts, state) => {
            refuse::<A>(Problem::InvalidState, A::OAUTH.json)?
        }
        (Some(state), Some(code), None) => {
            let arrival = Arrival {
                state,
                code: &code,
                issuer: issuer.as_deref(),
                redirect_uri: &redirect_uri::<A>(clients, provider),
            };
            arrive(&auth, provider, &mut parts, arrival).await?
        }
        (Some(state), _, _) => {
            let row = flow::abandon(engine(&auth), provider, state).await?;
            turn_away::<A>(row.as_ref(), Problem::OAuthFailed)?
        }
        (None, _, _) if brought.is_some() => refuse::<A>(Problem::InvalidState, A::OAUTH.json)?,
        (None, _, _) => refuse::<A>(Problem::OAuthFailed, A::OAUTH.json)?,
    };
    if let Some(state) = &state {
        let name = state.cookie();
        let gone = Cookie::new(&name).secure(secure::<A>());
        set_cookies(response.headers_mut(), [gone.delete(engine(&auth).now())]);
    }
    Ok(response)
}

/// `POST /oauth/{provider}/callback`. The same for a provider that answers with a form.
///
/// It comes from the provider's page, so browsers send none of our cookies along: neither the state's, without which nobody knows
/// whose sign-in this is, nor the session's. The browser is sent here once more by `GET`, which carries them.
pub(super) async fn form_callback<A: HasOAuth>(
    State(auth): State<A>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Answer {
    let (parts, body) = request.into_parts();
    let clients = clients(&auth)?;
    let provider = provider(clients, path)?;
    if !provider.answers_by_post() {
        return refuse::<A>(Problem::OAuthFailed, A::OAUTH.json);
    }
    let Ok(mut form) = body::form(&parts.headers, body).await else {
        return refuse::<A>(Problem::OAuthFailed, A::OAUTH.json);
    };
    let names = ["code", "state", "iss", "error"];
    let values = names.map(|name| (name, form.optional_text(name)));
    // The name, which is told once and never again, waits in the row: it has no business in a URL.
    let said = form.optional_text("user");
    let [_, (_, state), ..] = &values;
    if let (Some(said), Some(state)) = (said, state.as_deref().and_then(Journeying::parse))
        && said.len() <= LONGEST_SAID
    {
        flow::amend(engine(&auth), &state, &said).await?;
    }
    let uri = redirect_uri::<A>(clients, provider);
    redirect(StatusCode::SEE_OTHER, &again(uri, &values))
}

/// The callback with what the form says of the journey, as a URL.
fn again(mut uri: String, values: &[(&str, Option<String>)]) -> String {
    uri.push('?');
    let start = uri.len();
    let mut query = url::form_urlencoded::Serializer::for_suffix(uri, start);
    for (name, value) in values {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

/// Most bytes of what a provider says beside the code.
const LONGEST_SAID: usize = 2048;

async fn arrive<A: HasOAuth>(
    auth: &A,
    provider: &Client,
    parts: &mut Parts,
    arrival: Arrival<'_>,
) -> Answer {
    match flow::arrive(engine(auth), provider, arrival).await? {
        Arrived::Dead => refuse::<A>(Problem::InvalidState, A::OAUTH.json),
        Arrived::Failed(row) => turn_away::<A>(Some(&row), Problem::OAuthFailed),
        Arrived::Vouched(row, identified) => match row.journey {
            Journey::SignIn => sign_in(auth, provider, parts, row, *identified).await,
            Journey::Link => link(auth, provider, parts, row, *identified).await,
            Journey::Exchange => exchange::arrive(auth, provider, parts, row, *identified).await,
        },
    }
}

async fn sign_in<A: HasOAuth>(
    auth: &A,
    provider: &Client,
    parts: &Parts,
    row: StateRow,
    identified: Identified,
) -> Answer {
    let from = client::<A>(parts);
    let proof = match flow::resolve(
        engine(auth),
        provider.policy(),
        (identified, A::OAUTH.keep_tokens),
        from,
    )
    .await?
    {
        Resolution::Account(proof) => proof,
        Resolution::Refused(refusal) => return refuse::<A>(problem(refusal), A::OAUTH.json),
    };
    let enter = enter::<A>().ok_or(Problem::Internal)?;
    let entry = Entry {
        proof,
        remember: row.remember,
        scopes: None,
        redemption: None,
    };
    let Some(entered) = (enter.open)(auth, parts, entry).await? else {
        return refuse::<A>(Problem::AccountInactive, A::OAUTH.json);
    };
    let target = target::<A>(&row);
    let mut response = if A::OAUTH.json {
        let account = entered.user.account();
        ok(&SignedIn {
            user: Someone {
                user_id: entered.user.id().as_inner(),
                username: account.username,
                email: account.email,
                is_superuser: account.is_superuser,
            },
            csrf_token: &entered.csrf,
            redirect_to: target,
        })?
    } else {
        redirect(StatusCode::TEMPORARY_REDIRECT, target)?
    };
    set_cookies(response.headers_mut(), entered.cookies);
    Ok(response)
}

/// Only the session that asked for it may bring a link home: whoever had the browser sign in as somebody else meanwhile would link
/// their own identity to a stranger's account.
async fn link<A: HasOAuth>(
    auth: &A,
    provider: &Client,
    parts: &mut Parts,
    row: StateRow,
    identified: Identified,
) -> Answer {
    #[derive(Serialize)]
    struct Done<'a> {
        detail: &'static str,
        redirect_to: &'a str,
    }
    let principal: Option<Principal<A>> = authenticate(auth, parts, Some("session")).await?;
    let asked = principal.filter(|principal| {
        row.session.is_some() && principal.session().map(|session| session.key) == row.session
    });
    let Some(principal) = asked else {
        return refuse::<A>(Problem::InvalidState, A::OAUTH.json);
    };
    let from = client::<A>(parts);
    let linked = flow::link(
        engine(auth),
        provider.policy(),
        principal.user(),
        (identified, A::OAUTH.keep_tokens),
        from,
    );
    match linked.await? {
        Linked::Done if A::OAUTH.json => ok(&Done {
            detail: "Identity linked.",
            redirect_to: target::<A>(&row),
        }),
        Linked::Done => redirect(StatusCode::TEMPORARY_REDIRECT, target::<A>(&row)),
        Linked::Taken => refuse::<A>(Problem::IdentityTaken, A::OAUTH.json),
        Linked::Occupied => refuse::<A>(Problem::ProviderAlreadyLinked, A::OAUTH.json),
        Linked::Unfit => refuse::<A>(Problem::OAuthFailed, A::OAUTH.json),
        Linked::Gone => refuse::<A>(Problem::AccountInactive, A::OAUTH.json),
    }
}

/// The page that the browser asked for, looked at again on its way out, else the block's.
fn target<A: HasOAuth>(row: &StateRow) -> &str {
    row.redirect_to
        .as_deref()
        .and_then(safe_redirect_path)
        .unwrap_or(A::OAUTH.default_redirect)
}

fn is_bound(parts: &Parts, state: &Journeying) -> bool {
    one(&parts.headers, &state.cookie()).is_some_and(|cookie| state.is_in(cookie))
}

pub(super) fn clients<A: HasOAuth>(auth: &A) -> Result<&Clients, Problem> {
    let clients: Option<&Arc<Clients>> = engine(auth).oauth.as_ref();
    clients.map(AsRef::as_ref).ok_or(Problem::Internal)
}

pub(super) fn provider(
    clients: &Clients,
    path: Result<Path<String>, PathRejection>,
) -> Result<&Client, Problem> {
    let name = path.map(|Path(name)| name).unwrap_or_default();
    clients
        .find(&name)
        .ok_or_else(|| Problem::UnknownProvider(name.chars().take(LONGEST_NAME).collect()))
}

/// Most characters of a name that is told back.
const LONGEST_NAME: usize = 64;

pub(super) fn redirect_uri<A: HasOAuth>(clients: &Clients, provider: &Client) -> String {
    let path = A::OAUTH.paths.callback;
    let path = path.replace("{provider}", provider.name());
    format!("{}{path}", clients.public_url())
}

/// How the session opens, without which the block does not compile.
fn enter<A: HasOAuth>() -> Option<&'static Enter<A>> {
    A::TRANSPORTS.iter().find_map(|it| it.enter.as_ref())
}

/// As the session's cookies are, which the journey ends in.
fn secure<A: HasOAuth>() -> bool {
    enter::<A>().is_none_or(|enter| enter.secure)
}

#[derive(Serialize)]
struct SignedIn<'a, K> {
    user: Someone<'a, K>,
    csrf_token: &'a str,
    redirect_to: &'a str,
}

#[derive(Serialize)]
struct Someone<'a, K> {
    user_id: &'a K,
    username: Option<&'a str>,
    email: Option<&'a str>,
    is_superuser: bool,
}
