//! What the application's own code does with tokens.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::flow::{self, Granting, Presented, Renewed, grant};
use super::{HasBearer, cookies, extra};
use crate::account::AuthUser;
use crate::authority::engine;
use crate::crypto::jws::SigningKeys;
use crate::engine::{Client, detached};
use crate::error::Result;
use crate::http::request::{ok, set_cookies};
use crate::secret::SecretText;
use crate::start::check_algorithm;
use crate::toolbox::SignedIn;

/// Tokens: `auth.tokens()`.
pub struct TokensHandle<'a, A: HasBearer>(&'a A);

impl<A: HasBearer> fmt::Debug for TokensHandle<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::tokens()", A::NAME)
    }
}

/// Tokens in the clear, for one answer: as a response they are what `POST /token` and `POST /refresh` answer, cookies included.
#[derive(Debug)]
#[non_exhaustive]
pub struct Tokens {
    /// The access token.
    pub access: SecretText,
    /// How long it is good.
    pub expires_in: Duration,
    /// What was granted.
    pub scopes: Vec<&'static str>,
    /// The refresh token, and how long its family lives on; `None` where the block has none, or where the one that was
    /// presented stays.
    pub refresh: Option<(SecretText, Duration)>,
    delivery: Delivery,
}

/// How the block delivers refresh tokens.
enum Delivery {
    Body,
    Cookies(Vec<HeaderValue>),
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Body => "Body",
            Self::Cookies(_) => "Cookies([redacted])",
        })
    }
}

impl Tokens {
    pub(super) fn of<A: HasBearer>(issued: flow::Issued<A::User>) -> Self {
        let delivery = match A::BEARER.refresh {
            Some(policy) if !policy.body => Delivery::Cookies(cookies::issued(&policy, &issued)),
            _ => Delivery::Body,
        };
        Self {
            access: issued.access,
            expires_in: issued.expires_in,
            scopes: issued.scopes,
            refresh: issued.refresh,
            delivery,
        }
    }

    /// Sets the cookies of the refresh token and of the device on an answer of the application's own, where the block delivers
    /// by cookie, and keeps caches away from it.
    pub fn set_cookies(self, response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Delivery::Cookies(cookies) = self.delivery {
            set_cookies(headers, cookies);
        }
    }
}

impl IntoResponse for Tokens {
    fn into_response(self) -> Response {
        let in_body = matches!(self.delivery, Delivery::Body);
        let refresh = self.refresh.as_ref().filter(|_| in_body);
        let body = ok(&TokenBody {
            access_token: self.access.expose(),
            token_type: "bearer",
            expires_in: self.expires_in.as_secs(),
            scope: self.scopes.join(" "),
            refresh_token: refresh.map(|(token, _)| token.expose().as_str()),
        });
        match body {
            Ok(mut response) => {
                self.set_cookies(&mut response);
                response
            }
            Err(problem) => problem.into_response(),
        }
    }
}

/// RFC 6749 §5.1.
#[derive(Serialize)]
struct TokenBody<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
}

impl<'a, A: HasBearer> TokensHandle<'a, A> {
    /// The handle of `auth`.
    #[must_use]
    pub fn new(auth: &'a A) -> Self {
        Self(auth)
    }

    /// Issues tokens to somebody who has just signed in
    /// ([`authenticate_password`](crate::toolbox::authenticate_password)), with the scopes that `/token` would grant to one who
    /// asks for `scope`: the default ones where nothing is asked for. `None` when the account was disabled, deleted or given another password meanwhile.
    ///
    /// # Errors
    /// When the database or the random source fails.
    pub async fn issue(
        &self,
        signed_in: SignedIn<A::User>,
        scope: Option<&str>,
    ) -> Result<Option<Tokens>> {
        let (proven, client) = signed_in.into_parts();
        let granting = Granting {
            scopes: flow::granted(&A::BEARER, scope),
            device: proven.device,
            client,
            attempt: Some(proven.attempt),
            redemption: None,
            extra: extra::<A>,
        };
        let engine = Arc::clone(engine(self.0));
        let issued = detached(grant(engine, A::BEARER, proven.proof, granting)).await?;
        Ok(issued.map(Tokens::of::<A>))
    }

    /// Renews an access token, as `POST /refresh` does. `None` for a refresh token that is not live.
    ///
    /// # Errors
    /// When the database or the random source fails.
    pub async fn refresh(&self, refresh_token: &str) -> Result<Option<Tokens>> {
        let (engine, client) = (engine(self.0), || Client::NONE);
        let renewed = flow::renew(engine, &A::BEARER, refresh_token, client, extra::<A>);
        Ok(match renewed.await? {
            Renewed::Issued(issued) => Some(Tokens::of::<A>(*issued)),
            Renewed::Dead => None,
        })
    }

    /// The account and the scopes of a live access token: for a connection that has no headers of its own.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn verify(&self, access_token: &str) -> Result<Option<(A::User, Vec<&'static str>)>> {
        Ok(
            match flow::look_up(engine(self.0), &A::BEARER, access_token).await? {
                Presented::Live(user, carried) => Some((user, carried.scopes)),
                Presented::Over | Presented::Invalid => None,
            },
        )
    }

    /// Ends the family of a refresh token, of whatever generation.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn revoke(&self, refresh_token: &str) -> Result<()> {
        flow::sign_out(engine(self.0), refresh_token, &Client::NONE).await
    }

    /// Ends every family of an account, and says how many there were. The access tokens made from them end with them.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn revoke_all(&self, user: &<A::User as AuthUser>::Id) -> Result<u64> {
        let engine = engine(self.0);
        engine.store.end_families(user, engine.now()).await
    }

    /// Puts other keys in use, at once and without a restart. Tokens of the former keys are good for as long as the new ones
    /// say so ([`SigningKeys::also_verify`]).
    ///
    /// # Errors
    /// When the keys are not of the block's `algorithm`.
    pub fn replace_keys(&self, keys: SigningKeys) -> Result<()> {
        check_algorithm::<A>(&keys)?;
        engine(self.0).tokens.replace(keys);
        Ok(())
    }
}
