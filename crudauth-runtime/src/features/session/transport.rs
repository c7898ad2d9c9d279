//! The session cookie as a transport: who sends the request, and what a guard adds.

use std::future::ready;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use futures_util::future::Either;

use super::flow::{self, Live, Opening, open_and_tell};
use super::{HasSession, cookies};
use crate::authority::{Enter, Entered, Entry, Renewal, Transport, client, engine};
use crate::device::own_device;
use crate::engine::{Rotated, detached};
use crate::error::Result;
use crate::guard::Checked;
use crate::http::origin::{check_origin, is_safe};
use crate::http::problem::Problem;
use crate::principal::{Principal, Resolved};
use crate::store::SessionRow;

/// The header that carries the CSRF token.
const CSRF_HEADER: &str = "x-csrf-token";

/// The transport, for a block that declares it.
#[must_use]
pub const fn transport<A: HasSession>() -> Transport<A> {
    let renewal = Renewal {
        csrf: A::SESSION.csrf,
        cookies: renewed::<A>,
    };
    Transport {
        confirm: confirm::<A>,
        csrf: A::SESSION.csrf,
        renewal: if A::SESSION.rotate_on_change {
            Some(renewal)
        } else {
            None
        },
        device_cookie: Some(A::SESSION.device_cookie),
        enter: Some(Enter {
            secure: A::SESSION.secure,
            open: |auth, parts, entry| Box::pin(enter(auth, parts, entry)),
        }),
        ..Transport::plain("session", |auth, parts| Box::pin(authenticate(auth, parts)))
    }
}

fn renewed<A: HasSession>(principal: &Principal<A>, rotated: &Rotated) -> Vec<HeaderValue> {
    let remember = principal.session().is_some_and(|session| session.remember);
    cookies::session::<A>(&rotated.id, &rotated.csrf, remember)
}

/// Opens a session for somebody whom another door let in, and ends the one whose cookie came with the request.
async fn enter<A: HasSession>(
    auth: &A,
    parts: &Parts,
    entry: Entry<A::User>,
) -> Result<Option<Entered<A::User>>> {
    let engine = engine(auth);
    let cookie = |name| cookies::value(&parts.headers, name);
    let device = cookie(A::SESSION.device_cookie);
    let opening = Opening {
        remember: entry.remember,
        presented: cookie(A::SESSION.cookie).map(str::to_owned),
        device: own_device(engine, &entry.proof.user, device),
        client: client::<A>(parts),
        attempt: None,
    };
    let opened = open_and_tell(Arc::clone(engine), A::SESSION, entry.proof, opening);
    Ok(detached(opened).await?.map(|opened| Entered {
        cookies: cookies::opened::<A>(&opened),
        user: opened.user,
        csrf: opened.csrf,
    }))
}

async fn authenticate<A: HasSession>(
    auth: &A,
    parts: &Parts,
) -> std::result::Result<Option<Resolved<A>>, Problem> {
    let live = live(auth, &parts.headers).await?;
    Ok(live.map(|Live { session, user }| Resolved {
        user,
        transport: "session",
        session: Some(session),
        scopes: Vec::new(),
        claims: serde_json::Map::new(),
    }))
}

/// The live session of a request's cookie.
pub(super) async fn live<A: HasSession>(
    auth: &A,
    headers: &HeaderMap,
) -> std::result::Result<Option<Live<A::User>>, Problem> {
    match cookies::value(headers, A::SESSION.cookie) {
        Some(cookie) => Ok(flow::look_up(engine(auth), cookie).await?),
        None => Ok(None),
    }
}

fn confirm<'a, A: HasSession>(
    auth: &'a A,
    parts: &'a Parts,
    found: &'a Resolved<A>,
) -> Checked<'a, Problem> {
    let Some(session) = &found.session else {
        return Either::Left(ready(Ok(())));
    };
    // `/csrf/refresh` exists for those who have lost their token; the origin still counts there.
    let exempt = parts.extensions.get::<NoCsrf>().is_some();
    let checked = check_csrf(auth, parts, session, exempt);
    if checked.is_err() || !flow::is_stale(engine(auth), session) {
        return Either::Left(ready(checked));
    }
    Either::Right(Box::pin(async move {
        Ok(flow::touch(engine(auth), session).await?)
    }))
}

/// Marks a request of the one route that needs no CSRF token.
#[derive(Debug, Clone, Copy)]
pub(super) struct NoCsrf;

/// An unsafe request under a cookie must come from our own pages and carry this session's token.
pub(super) fn check_csrf<A: HasSession>(
    auth: &A,
    parts: &Parts,
    session: &SessionRow,
    exempt: bool,
) -> std::result::Result<(), Problem> {
    if is_safe(&parts.method) {
        return Ok(());
    }
    let origins = auth.core().origins.as_deref();
    check_origin(
        &parts.method,
        &parts.uri,
        &parts.headers,
        origins,
        A::SESSION.refuse_same_site,
    )
    .map_err(|_| Problem::CrossSite)?;
    if !A::SESSION.csrf || exempt {
        return Ok(());
    }
    let token = token(parts)?;
    if flow::csrf_matches(engine(auth), session, token) {
        Ok(())
    } else {
        Err(Problem::CsrfInvalid)
    }
}

/// The token of the header, or of the form field where a form was read ahead for it. Never the query string or the
/// cookie: those a foreign page can make a browser send (SEC-059).
fn token(parts: &Parts) -> std::result::Result<&str, Problem> {
    let mut sent = parts.headers.get_all(CSRF_HEADER).iter();
    match (sent.next(), sent.next()) {
        (Some(token), None) => token.to_str().map_err(|_| Problem::CsrfInvalid),
        (Some(_), Some(_)) => Err(Problem::CsrfInvalid),
        (None, _) => {
            let field = parts.extensions.get::<super::forms::FormToken>();
            field
                .map(|token| token.0.as_str())
                .ok_or(Problem::CsrfMissing)
        }
    }
}
