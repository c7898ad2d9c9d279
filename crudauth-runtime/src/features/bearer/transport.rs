//! The `Authorization` header as a transport.

use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};

use super::flow::{self, Granting, Presented};
use super::{HasBearer, Tokens, cookies, extra};
use crate::authority::{Entry, Grant, Transport, client, engine};
use crate::device::own_device;
use crate::engine::detached;
use crate::error::Result as StoreResult;
use crate::http::origin::check_origin;
use crate::http::problem::Problem;
use crate::policy::{RefreshPolicy, SameSite};
use crate::principal::Resolved;

/// The transport, for a block that declares it.
#[must_use]
pub const fn transport<A: HasBearer>() -> Transport<A> {
    let device_cookie = match A::BEARER.refresh {
        Some(refresh) if !refresh.body => Some(refresh.device_cookie),
        _ => None,
    };
    Transport {
        sign_out: Some(|auth, parts| Box::pin(sign_out(auth, parts))),
        challenge: Some("Bearer"),
        device_cookie,
        grant: Some(Grant {
            sets_cookies: device_cookie.is_some(),
            answer: |auth, parts, entry| Box::pin(grant(auth, parts, entry)),
            replayed: |auth, parts, redemption| {
                let (engine, client) = (Arc::clone(engine(auth)), client::<A>(parts));
                // To its end whoever hangs up, as for a refresh token that comes back.
                Box::pin(detached(flow::replayed(engine, redemption, client)))
            },
        }),
        ..Transport::plain("bearer", |auth, parts| Box::pin(authenticate(auth, parts)))
    }
}

/// Issues tokens to somebody whom another door let in: what `POST /token` answers.
async fn grant<A: HasBearer>(
    auth: &A,
    parts: &Parts,
    entry: Entry<A::User>,
) -> StoreResult<Option<Response>> {
    let engine = engine(auth);
    let device = A::BEARER
        .refresh
        .filter(|policy| !policy.body)
        .and_then(|policy| cookies::value(&parts.headers, policy.device_cookie));
    let granting = Granting {
        scopes: flow::granted(&A::BEARER, entry.scopes.as_deref()),
        device: own_device(engine, &entry.proof.user, device),
        client: client::<A>(parts),
        attempt: None,
        redemption: entry.redemption,
        extra: extra::<A>,
    };
    let issued = flow::grant(Arc::clone(engine), A::BEARER, entry.proof, granting);
    let issued = detached(issued).await?;
    Ok(issued.map(|issued| Tokens::of::<A>(issued).into_response()))
}

async fn authenticate<A: HasBearer>(
    auth: &A,
    parts: &Parts,
) -> Result<Option<Resolved<A>>, Problem> {
    let Some(token) = token(&parts.headers)? else {
        return Ok(None);
    };
    match flow::look_up(engine(auth), &A::BEARER, token).await? {
        Presented::Invalid => Err(Problem::InvalidToken),
        Presented::Over => Ok(None),
        Presented::Live(user, carried) => Ok(Some(Resolved {
            user,
            transport: "bearer",
            session: None,
            scopes: carried.scopes,
            claims: carried.claims,
        })),
    }
}

/// The token of the one `Authorization` header (RFC 6750 §2.1; the scheme in any case, RFC 9110 §11.1). `None` where there is
/// no such header, or one of another scheme. Never the query string or the body: those end up in logs (SEC-077).
///
/// # Errors
/// Two headers: a proxy may have judged by the other one.
pub(super) fn token(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let value = match (sent.next(), sent.next()) {
        (None, _) => return Ok(None),
        (Some(_), Some(_)) => return Err(Problem::InvalidToken),
        (Some(value), None) => value,
    };
    let bytes = value.as_bytes();
    let (scheme, rest) = bytes.split_at_checked(SCHEME.len()).unwrap_or((bytes, b""));
    if !scheme.eq_ignore_ascii_case(SCHEME) || !matches!(rest.first(), None | Some(b' ')) {
        return Ok(None);
    }
    // RFC 9110 §11.4: one or more spaces.
    let token = rest.trim_ascii_start();
    let token = std::str::from_utf8(token).map_err(|_| Problem::InvalidToken)?;
    Ok(Some(token))
}

const SCHEME: &[u8] = b"Bearer";

/// Ends the family of the refresh cookie that came along, and clears it. Without the cookie nothing is asked.
async fn sign_out<A: HasBearer>(auth: &A, parts: &Parts) -> Result<Vec<HeaderValue>, Problem> {
    let Some(policy) = A::BEARER.refresh.filter(|policy| !policy.body) else {
        return Ok(Vec::new());
    };
    if let Some(token) = cookies::value(&parts.headers, policy.cookie) {
        own_page(auth, parts, &policy)?;
        flow::sign_out(engine(auth), token, &client::<A>(parts)).await?;
    }
    Ok(vec![cookies::cleared(&policy, engine(auth).now())])
}

/// A request that a cookie authenticates was sent by a page of ours. Where the cookie goes out from everywhere, those are the
/// pages that the builder names, on whatever site.
pub(super) fn own_page<A: HasBearer>(
    auth: &A,
    parts: &Parts,
    policy: &RefreshPolicy,
) -> Result<(), Problem> {
    let origins = auth.core().origins.as_deref();
    let (method, uri, headers) = (&parts.method, &parts.uri, &parts.headers);
    let checked = match origins {
        Some(origins) if policy.same_site == SameSite::None => {
            crate::http::origin::check_named(method, headers, origins)
        }
        origins => check_origin(method, uri, headers, origins, false),
    };
    checked.map_err(|_| Problem::CrossSite)
}
