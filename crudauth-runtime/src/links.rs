//! Mailed links: what they are bound to, how one is made, and how one is examined and used.

use crate::account::{AccountKey, AuthUser};
use crate::crypto::link::{LinkKind, LinkPurpose, Token};
use crate::crypto::{PasswordHash, Purpose};
use crate::engine::Engine;
use crate::error::Result;
use crate::store::Digest;
pub(crate) use crate::store::links::NewLink;
use crate::store::links::{Effect, GUESSES, LinkRow, Redeemed, Redemption};

/// What became of a token that was sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum Confirmation {
    /// It is unknown, expired or void, or the account has changed since.
    Dead,
    /// What it is for has happened. Where the browser goes, if the request said so.
    Done(Option<String>),
    /// Another account has the address by now. The token stays good.
    Taken,
    /// It has been used, and nothing has changed since.
    Used,
}

impl Confirmation {
    /// Whether anything has happened.
    pub(crate) const fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// A link and its account.
#[derive(Debug)]
pub(crate) struct Found<U> {
    pub(crate) id: String,
    pub(crate) row: LinkRow,
    pub(crate) user: U,
}

/// Reads the row that `token` names and compares its secret; `None` is what cannot be a token. A wrong one counts against
/// that row (SEC-089): a guess is a guess at one link. A link that is found is good as far as reading tells: using it decides.
pub(crate) async fn examine<U: AuthUser, P: LinkPurpose>(
    engine: &Engine<U>,
    token: Option<Token<P>>,
) -> Result<Result<Box<Found<U>>, Confirmation>> {
    let Some(token) = token else {
        return Ok(Err(Confirmation::Dead));
    };
    let id = token.row();
    let Some((row, user)) = engine.store.link(&id).await? else {
        return Ok(Err(Confirmation::Dead));
    };
    if row.kind != P::KIND.name() || row.guesses >= GUESSES {
        return Ok(Err(Confirmation::Dead));
    }
    if !token.matches(&row.secret) {
        engine.store.count_guess(&id).await?;
        return Ok(Err(Confirmation::Dead));
    }
    let live = row.expires_at > engine.now()
        && user.account().is_active
        && is_bound_to(engine, P::KIND, &user, &row.state);
    Ok(match (live, row.used) {
        (false, _) => Err(Confirmation::Dead),
        (true, true) => Err(Confirmation::Used),
        (true, false) => Ok(Box::new(Found { id, row, user })),
    })
}

/// Uses a link: it is spent and `effect` happens, or neither.
pub(crate) async fn redeem<U: AuthUser>(
    engine: &Engine<U>,
    found: &Found<U>,
    effect: Effect<'_, U::Id>,
) -> Result<Confirmation> {
    let moves = matches!(
        effect.kind(),
        LinkKind::ChangeEmail | LinkKind::UndoEmailChange
    );
    let redemption = Redemption {
        link: &found.id,
        user: found.user.id(),
        now: engine.now(),
        effect,
    };
    Ok(match engine.store.redeem(&redemption).await? {
        Redeemed::Done => Confirmation::Done(found.row.redirect_to.clone()),
        Redeemed::Taken if moves => Confirmation::Taken,
        // Taken: a unique index of the application's own refuses an account that is proven.
        Redeemed::Stale | Redeemed::Taken => Confirmation::Dead,
        Redeemed::Used => Confirmation::Used,
    })
}

/// A link for an account as it is now.
pub(crate) fn issue<U: AuthUser, P: LinkPurpose>(
    engine: &Engine<U>,
    user: &U,
    address: Option<String>,
    redirect_to: Option<String>,
) -> Result<NewLink> {
    let token = Token::<P>::issue(&engine.keys, &engine.random)?;
    let policy = &engine.policy.recovery;
    let ttl = match P::KIND {
        LinkKind::ChangeEmail => policy.change_ttl,
        LinkKind::ResetPassword => policy.reset_ttl,
        LinkKind::UndoEmailChange => policy.undo_ttl,
        LinkKind::Verify => policy.verify_ttl,
    };
    let now = engine.now();
    Ok(NewLink {
        id: token.row(),
        kind: P::KIND,
        secret: token.digest(),
        state: state(engine, P::KIND, user),
        address,
        redirect_to,
        created_at: now,
        expires_at: now.plus(ttl),
    })
}

/// A digest of what a link of this kind is bound to. It names no value: a copy of the row tells nothing of the account's.
pub(crate) fn state<U: AuthUser>(engine: &Engine<U>, kind: LinkKind, user: &U) -> Digest {
    engine.keys.mac(Purpose::LinkState, &bound_to(kind, user))
}

/// Whether the account still is what a link, or the request for one, is bound to.
pub(crate) fn is_bound_to<U: AuthUser>(
    engine: &Engine<U>,
    kind: LinkKind,
    user: &U,
    state: &Digest,
) -> bool {
    engine
        .keys
        .verify(Purpose::LinkState, &bound_to(kind, user), state)
}

/// Contract §3.7: a verification is bound to the value that it proves; a reset to the password that it replaces, too; a
/// change of address to the password that asked for it, the present address and the epoch. Taking a change back is bound
/// to the account alone: whoever changed the address may have changed anything else since.
fn bound_to<U: AuthUser>(kind: LinkKind, user: &U) -> Vec<u8> {
    let account = user.account();
    let id = user.id().as_inner().to_string();
    let epoch = account.token_version.to_string();
    let hash = account.password_hash.map_or("", PasswordHash::as_stored);
    let factor = account.factor.unwrap_or_default();
    let email = account.email.unwrap_or_default();
    let parts: &[&str] = match kind {
        LinkKind::Verify => &[factor],
        LinkKind::ResetPassword => &[hash, factor],
        LinkKind::ChangeEmail => &[hash, email, &epoch],
        LinkKind::UndoEmailChange => &[],
    };
    // Each part with its length in front: no two lists of parts are the same bytes.
    let mut out = Vec::new();
    for part in [kind.name(), &id].iter().chain(parts) {
        out.extend_from_slice(&(part.len() as u64).to_be_bytes());
        out.extend_from_slice(part.as_bytes());
    }
    out
}
