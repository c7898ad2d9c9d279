//! The one-time code that an app redeems for tokens.

use std::time::Duration;

use crate::account::AuthUser;
use crate::authenticate::Authenticated;
use crate::crypto::journey::{Code, answers};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::oauth::Client;
use crate::store::journeys::{NewCode, Wish};

/// How long a code is good (SEC-110): an app redeems it as soon as the browser hands it over.
const GOOD: Duration = Duration::from_mins(1);

/// A code for somebody whom the provider vouches for, good for the app that knows the verifier.
pub(crate) async fn hand_over<U: AuthUser>(
    engine: &Engine<U>,
    client: &Client,
    proof: Authenticated<U>,
    wish: Wish<'_>,
) -> Result<Code> {
    let code = Code::issue(&engine.random)?;
    // There is always a first root secret.
    let id = code.digests(&engine.keys).next().ok_or(Error::Random)?;
    let now = engine.now();
    let new = NewCode {
        id,
        user: proof.user.id(),
        token_version: proof.user.account().token_version,
        provider: client.name(),
        wish,
        now,
        expires_at: now.plus(GOOD),
    };
    engine.store.keep_code(new).await?;
    Ok(code)
}

/// Spends a code, whatever comes of it: who it signs in, and the scopes that were asked for. `None` if it was unknown, spent or
/// expired, if the verifier is another app's, and if the account was disabled or moved on meanwhile.
pub(crate) async fn redeem<U: AuthUser>(
    engine: &Engine<U>,
    code: &Code,
    verifier: &str,
) -> Result<Option<(Authenticated<U>, Option<String>)>> {
    for id in code.digests(&engine.keys) {
        if let Some((row, user)) = engine.store.take_code(&id).await? {
            let good = answers(verifier, &row.challenge)
                && engine.now() < row.expires_at
                && user.account().token_version == row.token_version
                && engine.admits(&user);
            return Ok(good.then_some((Authenticated { user }, row.scopes)));
        }
    }
    Ok(None)
}
