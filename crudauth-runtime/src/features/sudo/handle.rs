//! What the application's own code does with elevations.

use std::fmt;

use axum::http::request::Parts;
use time::OffsetDateTime;

use super::HasSudo;
use super::flow::{self, Caller, Outcome, Proof};
use crate::authority::{client, engine};
use crate::crypto::Normalized;
use crate::elevated::is_elevated_at_all;
use crate::engine::Client;
use crate::error::Result;
use crate::principal::Principal;

/// Elevations: `auth.sudo()`.
pub struct SudoHandle<'a, A: HasSudo> {
    auth: &'a A,
    client: Client,
}

impl<A: HasSudo> fmt::Debug for SudoHandle<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::sudo()", A::NAME)
    }
}

/// What became of [`SudoHandle::elevate`]. Whoever writes the route answers as `POST /sudo` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Elevation {
    /// The session is elevated until then: 200.
    Until(OffsetDateTime),
    /// The session ended meanwhile, or its account changed: 403.
    Gone,
    /// Too many were wrong; none is looked at for this many seconds: 429 with `Retry-After`.
    Locked(u64),
    /// The caller has no session that could be elevated: 403.
    NoSession,
    /// The password is wrong: 401.
    Wrong,
}

impl<'a, A: HasSudo> SudoHandle<'a, A> {
    /// The handle of `auth`.
    #[must_use]
    pub fn new(auth: &'a A) -> Self {
        Self {
            auth,
            client: Client::NONE,
        }
    }

    /// Says which request this is about: hooks are told where it came from, and it waits in its own client's place for a
    /// hash.
    #[must_use]
    pub fn of(mut self, parts: &Parts) -> Self {
        self.client = client::<A>(parts);
        self
    }

    /// Elevates the caller's session if `password` is the account's: for a route of your own in place of `POST /sudo`. Tries
    /// are counted as there.
    ///
    /// # Errors
    /// When the database or the hashing queue fails.
    pub async fn elevate<P>(
        &self,
        principal: &Principal<A, P>,
        password: &str,
    ) -> Result<Elevation> {
        let Some(session) = principal.session() else {
            return Ok(Elevation::NoSession);
        };
        let password = Normalized::new(password, A::POLICY.password.max).ok();
        let caller = Caller {
            session: &session.key,
            transport: principal.transport(),
            client: &self.client,
        };
        let proof = Proof::Password(password.as_ref());
        let outcome = flow::elevate(engine(self.auth), A::SUDO, principal.user(), proof, caller);
        Ok(match outcome.await? {
            Outcome::Elevated(until) => Elevation::Until(until.to_datetime()),
            Outcome::Gone => Elevation::Gone,
            Outcome::Locked(secs) => Elevation::Locked(secs),
            Outcome::Wrong => Elevation::Wrong,
        })
    }

    /// Whether the caller's session is elevated now: what `#[require(sudo)]` asks.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn is_elevated<P>(&self, principal: &Principal<A, P>) -> Result<bool> {
        match principal.session() {
            Some(session) => is_elevated_at_all(engine(self.auth), &session.key).await,
            None => Ok(false),
        }
    }

    /// Ends the elevation of the caller's session. False when there was none.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn drop<P>(&self, principal: &Principal<A, P>) -> Result<bool> {
        match principal.session() {
            Some(session) => engine(self.auth).store.end_elevation(&session.key).await,
            None => Ok(false),
        }
    }
}
