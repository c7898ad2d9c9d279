//! One's own sessions over HTTP.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::SET_COOKIE;
use serde::Serialize;

use super::flow::{self, Refreshed};
use super::transport::NoCsrf;
use super::{HasSession, Session, cookies};
use crate::account::{AccountKey, AuthUser};
use crate::authority::{client, engine, sign_out_of_others};
use crate::engine::{hex, unhex};
use crate::guard::Via;
use crate::http::body::query_flag;
use crate::http::problem::Problem;
use crate::http::request::{Answer, detail, limited, ok, set_cookies};
use crate::http::user_agent::{self, Device};
use crate::principal::{Principal, authenticate};
use crate::store::ListedSession;

/// A caller who came with a session, whatever else it carries.
type Caller<A> = Principal<A, (Via<Session>, ())>;

/// `GET /sessions`. Lists one's own live sessions, the most recently active first.
pub(super) async fn list<A: HasSession>(principal: Caller<A>, State(auth): State<A>) -> Answer {
    let engine = engine(&auth);
    let version = principal.user().account().token_version;
    let sessions = engine
        .store
        .list(principal.user_id(), version, engine.now())
        .await?;
    let current = principal.session().map(|session| session.key);
    ok(&sessions
        .iter()
        .map(|session| Listed::of(session, current == Some(session.row.key)))
        .collect::<Vec<_>>())
}

/// `DELETE /sessions/{id}`. Ends one of one's own sessions. Somebody else's and none at all answer alike.
pub(super) async fn end<A: HasSession>(
    principal: Caller<A>,
    State(auth): State<A>,
    path: Result<Path<String>, PathRejection>,
) -> Answer {
    // A path that is no text names no session either; the extractor's own answer would not be ours.
    let handle = path
        .ok()
        .and_then(|Path(text)| unhex(&text))
        .ok_or(Problem::SessionNotFound)?;
    if !engine(&auth)
        .store
        .end(&handle, Some(principal.user_id()))
        .await?
    {
        return Err(Problem::SessionNotFound);
    }
    let mut response = detail("Session revoked.")?;
    if principal
        .session()
        .is_some_and(|session| session.key == handle)
    {
        set_cookies(
            response.headers_mut(),
            cookies::cleared::<A>(engine(&auth).now()),
        );
    }
    Ok(response)
}

/// `POST /logout-all`. Ends one's own sessions, all of them or all but the calling one.
pub(super) async fn end_all<A: HasSession>(
    principal: Caller<A>,
    State(auth): State<A>,
    request: Request,
) -> Answer {
    let limit = ("logout_all", A::POLICY.rate_limit.logout_all);
    let who = principal.user_id().as_inner().to_string();
    let (parts, _) = request.into_parts();
    let work = async {
        let keep = query_flag(&parts.uri, "keep_current", false)?;
        let except = principal
            .session()
            .filter(|_| keep)
            .map(|session| session.key);
        let engine = engine(&auth);
        let revoked = engine
            .store
            .end_all(principal.user_id(), except.as_ref(), engine.now())
            .await?;
        let mut response = ok(&Revoked {
            detail: "Signed out of all sessions.",
            revoked,
        })?;
        if !keep {
            let others = sign_out_of_others(&auth, &parts, "session").await?;
            set_cookies(response.headers_mut(), cookies::cleared::<A>(engine.now()));
            set_cookies(response.headers_mut(), others);
        }
        Ok(response)
    };
    limited(engine(&auth), limit, &who, work).await
}

/// `POST /csrf/refresh`. Gives the session's CSRF token, or a new one in place of one that was lost.
pub(super) async fn refresh_csrf<A: HasSession>(State(auth): State<A>, request: Request) -> Answer {
    let (mut parts, _) = request.into_parts();
    let limit = ("csrf_refresh", A::POLICY.rate_limit.csrf_refresh);
    let client = client::<A>(&parts);
    let work = async {
        parts.extensions.insert(NoCsrf);
        let found = authenticate(&auth, &mut parts, Some("session")).await?;
        let principal: Principal<A> = found.ok_or(Problem::NotAuthenticated)?;
        if !A::SESSION.csrf {
            return Err(Problem::CsrfDisabled);
        }
        let session = principal.session().ok_or(Problem::NotAuthenticated)?;
        let presented = cookies::value(&parts.headers, A::SESSION.csrf_cookie);
        match flow::refresh_csrf(engine(&auth), session, presented).await? {
            Refreshed::Kept(csrf_token) => ok(&Token { csrf_token }),
            Refreshed::Replaced(csrf_token) => {
                let cookie = cookies::csrf::<A>(&csrf_token, session.remember);
                let mut response = ok(&Token { csrf_token })?;
                response.headers_mut().append(SET_COOKIE, cookie);
                Ok(response)
            }
            Refreshed::Gone => Err(Problem::NotAuthenticated),
        }
    };
    limited(engine(&auth), limit, &client.group, work).await
}

#[derive(Serialize)]
struct Token {
    csrf_token: String,
}

#[derive(Serialize)]
struct Revoked {
    detail: &'static str,
    revoked: u64,
}

#[derive(Serialize)]
struct Listed<'a> {
    id: String,
    device: Device,
    ip: Option<&'a str>,
    created_at: String,
    last_activity: String,
    current: bool,
}

impl<'a> Listed<'a> {
    fn of(listed: &'a ListedSession, current: bool) -> Self {
        let session = &listed.row;
        Self {
            id: hex(&session.key),
            device: user_agent::parse(listed.user_agent.as_deref()),
            ip: listed.ip.as_deref(),
            created_at: session.created_at.to_rfc3339(),
            last_activity: session.last_activity.to_rfc3339(),
            current,
        }
    }
}
