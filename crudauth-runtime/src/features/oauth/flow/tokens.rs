//! A provider's tokens, kept for the application's own calls.

use crate::account::AuthUser;
use crate::crypto::{Purpose, seal};
use crate::engine::Engine;
use crate::error::Result;
use crate::oauth::{KeptTokens, ProviderTokens};
use crate::store::Digest;

/// What the row of the identity `id` keeps of `tokens` (SEC-111).
pub(super) fn seal<U: AuthUser>(
    engine: &Engine<U>,
    id: &Digest,
    tokens: Option<&ProviderTokens>,
) -> Result<Option<String>> {
    let Some(tokens) = tokens else {
        return Ok(None);
    };
    let text = tokens.write(engine.now());
    let (keys, random) = (&engine.keys, &engine.random);
    seal::seal(keys, random, Purpose::ProviderTokens, id, &text).map(Some)
}

/// The tokens of the account's identity of this provider that was last used. `None` where there are none, or under a root secret
/// that has been taken away.
pub(crate) async fn kept<U: AuthUser>(
    engine: &Engine<U>,
    user: &U::Id,
    provider: &str,
) -> Result<Option<KeptTokens>> {
    let Some((id, sealed)) = engine.store.kept_tokens(user, provider).await? else {
        return Ok(None);
    };
    let opened = seal::open(&engine.keys, Purpose::ProviderTokens, &id, &sealed);
    Ok(opened.and_then(|bytes| KeptTokens::read(&bytes)))
}
