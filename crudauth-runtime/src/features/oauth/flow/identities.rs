//! One's own identities.

use std::sync::Arc;

use super::tokens;
use crate::account::{AccountKey, AuthUser};
use crate::engine::{Client, Engine, detached};
use crate::error::Result;
use crate::hooks::{AccountInfo, OAuthLogin, OAuthOutcome};
use crate::oauth::Identified;
use crate::outbox;
use crate::policy::ProviderPolicy;
use crate::store::identities::{Attached, Ground, NewIdentity, identity_id};

/// What became of a link that the owner asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Linked {
    /// It is linked, or was before.
    Done,
    /// The identity opens another account.
    Taken,
    /// The account's column for this provider holds another identity.
    Occupied,
    /// It does not take this one.
    Unfit,
    /// The account was disabled, or changed its password, meanwhile.
    Gone,
}

/// Links whom the provider vouched for to the account of `user`, who asked for it.
pub(crate) async fn link<U: AuthUser>(
    engine: &Arc<Engine<U>>,
    provider: &'static ProviderPolicy,
    user: &U,
    (identified, keep): (Identified, bool),
    client: Client,
) -> Result<Linked> {
    let Identified { profile, tokens } = identified;
    let id = identity_id(&profile.issuer, &profile.subject);
    let tokens = tokens::seal(engine, &id, keep.then_some(&tokens))?;
    let account = AccountInfo::of(user);
    let ground = Ground::Owner {
        token_version: user.account().token_version,
    };
    let notice = outbox::identity_linked(engine, user)?;
    let engine = Arc::clone(engine);
    detached(async move {
        let identity = NewIdentity {
            id: &id,
            provider: provider.name,
            issuer: &profile.issuer,
            subject: &profile.subject,
            email: profile.email.as_deref(),
            tokens: tokens.as_deref(),
            now: engine.now(),
        };
        let attached = engine
            .store
            .attach(&account.id, identity, ground, notice.as_ref());
        match attached.await? {
            Attached::Done => engine.outlets.due.notify_one(),
            Attached::Taken => {
                let owner = engine.store.by_identity(identity).await?;
                let own = owner.is_some_and(|owner| owner.id().as_inner() == account.id.as_inner());
                return Ok(if own { Linked::Done } else { Linked::Taken });
            }
            Attached::Occupied => return Ok(Linked::Occupied),
            Attached::Unfit => return Ok(Linked::Unfit),
            Attached::Stale => return Ok(Linked::Gone),
        }
        let origin = engine.origin(&client, None, None);
        let event = OAuthLogin {
            account,
            provider: provider.name,
            profile,
            outcome: OAuthOutcome::LinkedByOwner,
            origin,
        };
        engine.hooks.oauth_login(&event).await;
        Ok(Linked::Done)
    })
    .await
}
