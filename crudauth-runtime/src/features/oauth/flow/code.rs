//! The one-time code that an app redeems for tokens.

use std::time::Duration;

use crate::account::AuthUser;
use crate::authenticate::Authenticated;
use crate::crypto::Redemption;
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

/// A code that is as good as it was.
pub(crate) struct Good<U> {
    pub(crate) proof: Authenticated<U>,
    /// The scopes that were asked for.
    pub(crate) scopes: Option<String>,
    /// What it is redeemed for; that spends it.
    pub(crate) redemption: Redemption,
}

/// Looks at a code. `None` if it is unknown, spent or expired, if the verifier is another app's, and if the account was disabled or
/// moved on meanwhile: one that is not good is spent.
pub(crate) async fn redeem<U: AuthUser>(
    engine: &Engine<U>,
    code: &Code,
    verifier: &str,
) -> Result<Option<Good<U>>> {
    for redemption in code.redemptions(&engine.keys, verifier) {
        if let Some((row, user)) = engine.store.code(&redemption.code).await? {
            let good = answers(verifier, &row.challenge)
                && engine.now() < row.expires_at
                && user.account().token_version == row.token_version
                && engine.admits(&user);
            if !good {
                engine.store.spend_code(&redemption.code).await?;
            }
            return Ok(good.then_some(Good {
                proof: Authenticated { user },
                scopes: row.scopes,
                redemption,
            }));
        }
    }
    Ok(None)
}

/// Spends a code for which nothing was given after all.
pub(crate) async fn void<U: AuthUser>(engine: &Engine<U>, redemption: &Redemption) -> Result<()> {
    engine.store.spend_code(&redemption.code).await.map(drop)
}
