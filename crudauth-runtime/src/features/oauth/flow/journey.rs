//! To the provider and back.

use crate::account::AuthUser;
use crate::crypto::journey::{Companions, State};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::oauth::{Answer, Ask, Client, Failure, Identified};
use crate::policy::OAuthPolicy;
use crate::store::Digest;
use crate::store::journeys::{Journey, NewState, StateRow, Wish};

/// Somebody who wants to go.
#[derive(Debug)]
pub(crate) struct Departure<'a, K> {
    pub(crate) journey: Journey,
    /// Who asks, for a link, and in which session.
    pub(crate) owner: Option<(&'a K, &'a Digest)>,
    pub(crate) redirect_to: Option<&'a str>,
    pub(crate) remember: bool,
    /// What the app wants, for an exchange.
    pub(crate) wish: Option<Wish<'a>>,
    pub(crate) redirect_uri: &'a str,
}

/// Sends a browser to the provider: where it goes, and the state that it takes along. `None` when the provider does not say
/// where; it has been logged.
pub(crate) async fn depart<U: AuthUser>(
    engine: &Engine<U>,
    policy: &OAuthPolicy,
    client: &Client,
    departure: Departure<'_, U::Id>,
) -> Result<Option<(String, State)>> {
    let state = State::issue(&engine.random)?;
    // There is always a first root secret.
    let companions = state.companions(&engine.keys).next().ok_or(Error::Random)?;
    let ask = Ask {
        state: state.expose(),
        verifier: &companions.verifier,
        nonce: &companions.nonce,
        redirect_uri: departure.redirect_uri,
    };
    // Before anything is written: the provider may be slow, or away.
    let url = match client.authorize(engine.now(), &ask).await {
        Ok(url) => url,
        Err(failure) => {
            report(client, &failure);
            return Ok(None);
        }
    };
    let now = engine.now();
    let new = NewState {
        id: companions.id,
        provider: client.name(),
        journey: departure.journey,
        owner: departure.owner,
        redirect_to: departure.redirect_to,
        remember: departure.remember,
        wish: departure.wish,
        now,
        expires_at: now.plus(policy.state_ttl),
    };
    engine.store.keep_state(new).await?;
    Ok(Some((url, state)))
}

/// Somebody who comes back, in the browser that left.
pub(crate) struct Arrival<'a> {
    pub(crate) state: &'a State,
    pub(crate) code: &'a str,
    pub(crate) issuer: Option<&'a str>,
    pub(crate) redirect_uri: &'a str,
}

/// What became of it.
pub(crate) enum Arrived {
    /// The state is unknown, used, expired, or was for somewhere else.
    Dead,
    /// The provider vouches for nobody; it has been logged.
    Failed(StateRow),
    /// It vouches for somebody.
    Vouched(StateRow, Box<Identified>),
}

/// Spends the state, and asks the provider who came.
pub(crate) async fn arrive<U: AuthUser>(
    engine: &Engine<U>,
    client: &Client,
    arrival: Arrival<'_>,
) -> Result<Arrived> {
    let Some((row, companions)) = take(engine, client, arrival.state).await? else {
        return Ok(Arrived::Dead);
    };
    let answer = Answer {
        code: arrival.code,
        issuer: arrival.issuer,
        verifier: &companions.verifier,
        nonce: &companions.nonce,
        redirect_uri: arrival.redirect_uri,
        user: row.said.as_deref(),
    };
    match client.identify(engine.now(), &answer).await {
        Ok(identified) => Ok(Arrived::Vouched(row, Box::new(identified))),
        Err(failure) => {
            report(client, &failure);
            Ok(Arrived::Failed(row))
        }
    }
}

/// Spends the state of somebody whom the provider sent back with an error. `None` if it was dead.
pub(crate) async fn abandon<U: AuthUser>(
    engine: &Engine<U>,
    client: &Client,
    state: &State,
) -> Result<Option<StateRow>> {
    let taken = take(engine, client, state).await?;
    Ok(taken.map(|(row, _)| row))
}

/// Keeps what the provider said of somebody beside the code, until the browser brings the state by a request of its own.
pub(crate) async fn amend<U: AuthUser>(
    engine: &Engine<U>,
    state: &State,
    said: &str,
) -> Result<()> {
    for companions in state.companions(&engine.keys) {
        engine.store.amend_state(&companions.id, said).await?;
    }
    Ok(())
}

/// Spends a state; `None` if it was unknown, for another provider, or expired.
async fn take<U: AuthUser>(
    engine: &Engine<U>,
    client: &Client,
    state: &State,
) -> Result<Option<(StateRow, Companions)>> {
    for companions in state.companions(&engine.keys) {
        if let Some(row) = engine.store.take_state(&companions.id).await? {
            let live = row.provider == client.name() && engine.now() < row.expires_at;
            return Ok(live.then_some((row, companions)));
        }
    }
    Ok(None)
}

fn report(client: &Client, failure: &Failure) {
    tracing::warn!(provider = client.name(), %failure, "a sign-in by a provider failed");
}
