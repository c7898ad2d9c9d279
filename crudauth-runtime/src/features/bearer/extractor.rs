//! The caller of a request as the access token alone tells: no account is asked.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::HasBearer;
use super::flow::{self, Carried, Read};
use super::transport::token;
use crate::account::AuthUser;
use crate::authority::engine;
use crate::guard::{Proofs, Refine, TokenProofs};
use crate::http::problem::Problem;
use crate::principal::refusal;
use crate::routing::DeclaresAccess;

/// An authority whose block says `#[bearer(check = "stateless")]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` asks the account at every request",
    label = "no token of `{Self}` answers by itself",
    note = "take `Principal<{Self}>`, or write `#[bearer(check = \"stateless\")]` in its `auth!` block"
)]
pub trait Stateless: HasBearer {}

/// Whoever the access token of a request was issued to, read from the token alone: no statement, and no account.
///
/// As a handler's first parameter it is an extractor: without a token that verifies and has not expired the answer is 401. It
/// knows nothing but what the token says; take [`Principal`](crate::Principal) where the account matters. `#[require(scope(…))]`
/// refines it in place.
///
/// # Security
/// Nothing ends such a token before its time: a password change, a disabled account, a revoked family and a spent refresh
/// token all leave it good for up to the block's `access` (SEC-076). Keep that short, and keep what matters behind
/// `Principal`.
///
/// Nor is it asked whose database the account is in: applications under one secret, whose tables are called alike, believe each
/// other's tokens unless their blocks name an `audience`.
pub struct AccessToken<A: Stateless, P = ()> {
    inner: Arc<Inner<<A::User as AuthUser>::Id>>,
    proofs: PhantomData<fn() -> P>,
}

struct Inner<K> {
    user: K,
    carried: Carried,
}

impl<A: Stateless, P> Clone for AccessToken<A, P> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            proofs: PhantomData,
        }
    }
}

impl<A: Stateless, P> fmt::Debug for AccessToken<A, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("user", &self.inner.user)
            .finish_non_exhaustive()
    }
}

impl<A: Stateless, P> AccessToken<A, P> {
    /// The account's key. Whether there still is such an account, nobody has asked.
    #[must_use]
    pub fn user_id(&self) -> &<A::User as AuthUser>::Id {
        &self.inner.user
    }

    /// What it may be used for, of the scopes that the block declares.
    #[must_use]
    pub fn scopes(&self) -> &[&'static str] {
        &self.inner.carried.scopes
    }

    /// The application's own claims; `None` for a token that was issued before they were what they are.
    #[must_use]
    pub fn claims<C: DeserializeOwned>(&self) -> Option<C> {
        C::deserialize(&Value::Object(self.inner.carried.claims.clone())).ok()
    }
}

impl<A: Stateless, P> Refine<P> for AccessToken<A> {
    type Out = AccessToken<A, P>;
}

impl<A: Stateless, P: TokenProofs<A>> DeclaresAccess for AccessToken<A, P> {
    fn access() -> String {
        let mut words = vec!["access token".to_owned()];
        words.extend(<P as Proofs<A>>::labels());
        words.join(", ")
    }

    fn csrf() -> bool {
        false
    }
}

impl<S, A, P> FromRequestParts<S> for AccessToken<A, P>
where
    S: Send + Sync,
    A: Stateless + FromRef<S>,
    P: TokenProofs<A>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let auth = A::from_ref(state);
        let text = token(&parts.headers).map_err(refusal::<A>)?;
        let text = text.ok_or_else(|| refusal::<A>(Problem::NotAuthenticated))?;
        match flow::read(engine(&auth), &A::BEARER, text) {
            Read::Invalid => Err(refusal::<A>(Problem::InvalidToken)),
            Read::Expired => Err(refusal::<A>(Problem::NotAuthenticated)),
            Read::Good { user, carried, .. } => {
                P::check_token(&carried.scopes).map_err(IntoResponse::into_response)?;
                Ok(Self {
                    inner: Arc::new(Inner { user, carried }),
                    proofs: PhantomData,
                })
            }
        }
    }
}
