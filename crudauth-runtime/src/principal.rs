//! The authenticated caller, and what it has proved.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use axum::http::HeaderValue;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::account::AuthUser;
use crate::authority::{Authority, engine};
use crate::engine::hex;
use crate::guard::Proofs;
use crate::http::problem::{Code, Problem};
use crate::store::{SessionRow, patience};

/// Who a request was found to come from.
pub struct Resolved<A: Authority> {
    pub(crate) user: A::User,
    pub(crate) transport: &'static str,
    pub(crate) session: Option<SessionRow>,
    pub(crate) scopes: Vec<&'static str>,
    /// The application's own claims, where a token carried them.
    pub(crate) claims: Map<String, Value>,
}

impl<A: Authority> fmt::Debug for Resolved<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolved")
            .field("user", self.user.id())
            .field("transport", &self.transport)
            .finish_non_exhaustive()
    }
}

/// The authenticated caller of a request.
///
/// As a handler's first parameter it is an extractor: without a live credential the answer is 401, and an unsafe
/// request under a cookie needs the CSRF token. `#[require(…)]` refines its type in place, so that it carries what was
/// proved; a function that takes it by reference and is itself marked `#[require(…)]` can be called only with a
/// principal that proves as much.
///
/// It dereferences to the application's user. Its fields are private and there is no `DerefMut`: a proof cannot be
/// moved to another identity.
pub struct Principal<A: Authority, P = ()> {
    inner: Arc<Resolved<A>>,
    proofs: PhantomData<fn() -> P>,
}

impl<A: Authority, P> Clone for Principal<A, P> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            proofs: PhantomData,
        }
    }
}

impl<A: Authority, P> fmt::Debug for Principal<A, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<A: Authority, P> Deref for Principal<A, P> {
    type Target = A::User;
    fn deref(&self) -> &A::User {
        &self.inner.user
    }
}

impl<A: Authority, P> Principal<A, P> {
    pub(crate) fn of(inner: Arc<Resolved<A>>) -> Self {
        Self {
            inner,
            proofs: PhantomData,
        }
    }

    /// The application's user.
    #[must_use]
    pub fn user(&self) -> &A::User {
        &self.inner.user
    }

    /// The account's key.
    #[must_use]
    pub fn user_id(&self) -> &<A::User as AuthUser>::Id {
        self.inner.user.id()
    }

    /// The transport that authenticated the request.
    #[must_use]
    pub fn transport(&self) -> &'static str {
        self.inner.transport
    }

    /// The scopes of the credential, of those that the block declares; a session has none.
    #[must_use]
    pub fn scopes(&self) -> &[&'static str] {
        &self.inner.scopes
    }

    /// Whether the credential has all of these scopes.
    #[must_use]
    pub fn has_scopes(&self, wanted: &[&str]) -> bool {
        wanted
            .iter()
            .all(|wanted| self.inner.scopes.contains(wanted))
    }

    /// Whether the account is a superuser.
    #[must_use]
    pub fn is_superuser(&self) -> bool {
        self.inner.user.account().is_superuser
    }

    /// Whether the account's address is proven; `None` where the account has no such column.
    #[must_use]
    pub fn email_verified(&self) -> Option<bool> {
        self.inner.user.account().email_verified
    }

    /// Whether what the account is recovered by is proven: what the gate `verified` asks. `None` where the account has no
    /// such column.
    #[must_use]
    pub fn recovery_verified(&self) -> Option<bool> {
        self.inner.user.account().verified
    }

    /// Public handle of the session, where there is one.
    #[must_use]
    pub fn session_handle(&self) -> Option<String> {
        self.session().map(|session| hex(&session.key))
    }

    /// The application's own claims of the access token that the request carries: `#[bearer(claims = …)]`. `None` for a
    /// caller who came by another transport, or with a token that was issued before the claims were what they are.
    #[must_use]
    pub fn claims<C: DeserializeOwned>(&self) -> Option<C> {
        if self.inner.transport != "bearer" {
            return None;
        }
        C::deserialize(&Value::Object(self.inner.claims.clone())).ok()
    }

    pub(crate) fn session(&self) -> Option<&SessionRow> {
        self.inner.session.as_ref()
    }
}

/// Whether the caller signed in within `fresh_sign_in` of the block (10 minutes). Without a session it never did.
#[must_use]
pub fn signed_in_recently<A: Authority, P>(auth: &A, principal: &Principal<A, P>) -> bool {
    let now = engine(auth).now();
    let fresh = A::POLICY.fresh_sign_in;
    principal
        .session()
        .is_some_and(|session| now.since(session.created_at) < fresh)
}

/// What earlier extractors of this request found. One resolution per request, however many guards.
struct Cache<A: Authority> {
    found: Option<Arc<Resolved<A>>>,
    only: Option<&'static str>,
    confirmed: bool,
    /// Who looked: two values of one type may stand over two databases, and ids of one say nothing in the other. The
    /// address stays taken, because the request's handlers hold the authority.
    core: usize,
}

impl<A: Authority> Clone for Cache<A> {
    fn clone(&self) -> Self {
        Self {
            found: self.found.clone(),
            only: self.only,
            confirmed: self.confirmed,
            core: self.core,
        }
    }
}

impl<A: Authority> Cache<A> {
    /// Whether asking for `only` would find the same.
    fn answers(&self, only: Option<&'static str>) -> bool {
        let found = self.found.as_ref().map(|found| found.transport);
        let first = A::TRANSPORTS.first().map(|transport| transport.name);
        self.only == only
            || match only {
                Some(_) => self.only.is_none() && found == only,
                // Whom the transport of highest precedence found is found without naming it.
                None => found.is_some() && found == first,
            }
    }
}

/// Finds out who sends a request, without CSRF and without recording the use: for middleware, where the request may
/// not be the guard's to judge. A guard later in the same request does what was left out and asks nobody twice.
///
/// # Errors
/// When the database cannot be asked.
pub async fn resolve_principal<A: Authority>(
    auth: &A,
    parts: &mut Parts,
) -> Result<Option<Principal<A>>, Problem> {
    Ok(look(auth, parts, None).await?.found.map(Principal::of))
}

async fn look<A: Authority>(
    auth: &A,
    parts: &mut Parts,
    only: Option<&'static str>,
) -> Result<Cache<A>, Problem> {
    let core = Arc::as_ptr(auth.core()).addr();
    if let Some(cache) = parts.extensions.get::<Cache<A>>()
        && cache.core == core
        && cache.answers(only)
    {
        return Ok(cache.clone());
    }
    let mut cache = Cache {
        found: None,
        only,
        confirmed: false,
        core,
    };
    for transport in A::TRANSPORTS
        .iter()
        .filter(|transport| only.is_none_or(|only| only == transport.name))
    {
        if let Some(found) = (transport.authenticate)(auth, parts).await? {
            cache.found = Some(Arc::new(found));
            break;
        }
    }
    parts.extensions.insert(cache.clone());
    Ok(cache)
}

/// Finds out who sends a request and confirms it: what every guard does first.
pub(crate) async fn authenticate<A: Authority>(
    auth: &A,
    parts: &mut Parts,
    only: Option<&'static str>,
) -> Result<Option<Principal<A>>, Problem> {
    let cache = look(auth, parts, only).await?;
    let Some(found) = cache.found else {
        return Ok(None);
    };
    if !cache.confirmed {
        if let Some(transport) = A::TRANSPORTS
            .iter()
            .find(|transport| transport.name == found.transport)
        {
            (transport.confirm)(auth, parts, &found).await?;
        }
        if let Some(cache) = parts.extensions.get_mut::<Cache<A>>() {
            cache.confirmed = true;
        }
    }
    Ok(Some(Principal::of(found)))
}

/// The whole of a guard: authenticate, then the proofs in their order. Only afterwards is the body read.
async fn guard<A: Authority, P: Proofs<A>>(
    auth: &A,
    parts: &mut Parts,
) -> Result<Option<Principal<A, P>>, Response> {
    let work = async {
        let found = authenticate(auth, parts, P::transport()).await;
        let Some(principal) = found.map_err(refusal::<A>)? else {
            return Ok(None);
        };
        P::check(auth, &principal).await?;
        Ok(Some(Principal::of(principal.inner)))
    };
    patience::shared(work).await
}

/// A problem as an answer of this authority.
pub(crate) fn refusal<A: Authority>(problem: Problem) -> Response {
    let mut response = problem.into_response();
    challenge::<A>(&mut response);
    response
}

/// Says how to authenticate, where the answer is that nobody has (RFC 6750 §3).
pub(crate) fn challenge<A: Authority>(response: &mut Response) {
    if response.extensions().get::<Code>().map(|code| code.0) != Some("not_authenticated") {
        return;
    }
    for challenge in A::TRANSPORTS.iter().filter_map(|other| other.challenge) {
        let headers = response.headers_mut();
        headers
            .entry(WWW_AUTHENTICATE)
            .or_insert(HeaderValue::from_static(challenge));
    }
}

impl<S, A, P> FromRequestParts<S> for Principal<A, P>
where
    S: Send + Sync,
    A: Authority + FromRef<S>,
    P: Proofs<A>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let found = guard(&A::from_ref(state), parts).await?;
        found.ok_or_else(|| refusal::<A>(Problem::NotAuthenticated))
    }
}

impl<S, A, P> OptionalFromRequestParts<S> for Principal<A, P>
where
    S: Send + Sync,
    A: Authority + FromRef<S>,
    P: Proofs<A>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Response> {
        guard(&A::from_ref(state), parts).await
    }
}

/// The first parameter of a handler that needs nobody. `#[public]` adds it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Public;

impl<S: Send + Sync> FromRequestParts<S> for Public {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self)
    }
}
