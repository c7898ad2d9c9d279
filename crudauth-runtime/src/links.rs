//! Mailed links: what they are bound to, how one is made, and how one is examined before it is used.

use crate::account::{AccountKey, AuthUser};
use crate::crypto::link::{LinkKind, LinkPurpose, Token};
use crate::crypto::{PasswordHash, Purpose};
use crate::engine::Engine;
use crate::error::Result;
use crate::store::Digest;
pub(crate) use crate::store::links::NewLink;
use crate::store::links::{GUESSES, LinkRow};

/// What a token that was sent turned out to be.
#[derive(Debug)]
pub(crate) enum Examined<U> {
    /// Nothing that could be used: unknown, expired, voided, or the account is not what it was.
    Dead,
    /// Good, as far as reading tells: using it decides.
    Good(Box<Found<U>>),
    /// It has been used, and nothing has changed since.
    Used,
}

/// A link and its account.
#[derive(Debug)]
pub(crate) struct Found<U> {
    pub(crate) id: String,
    pub(crate) row: LinkRow,
    pub(crate) user: U,
}

/// Reads the row that `token` names and compares its secret. A wrong one counts against that row (SEC-089): a guess is a
/// guess at one link.
pub(crate) async fn examine<U: AuthUser, P: LinkPurpose>(
    engine: &Engine<U>,
    token: &Token<P>,
) -> Result<Examined<U>> {
    let id = token.row();
    let Some((row, user)) = engine.store.link(&id).await? else {
        return Ok(Examined::Dead);
    };
    if row.kind != P::KIND.name() || row.guesses >= GUESSES {
        return Ok(Examined::Dead);
    }
    if !token.matches(&row.secret) {
        engine.store.count_guess(&id).await?;
        return Ok(Examined::Dead);
    }
    let live = row.expires_at > engine.now()
        && user.account().is_active
        && is_bound_to(engine, P::KIND, &user, &row.state);
    Ok(match (live, row.used) {
        (false, _) => Examined::Dead,
        (true, true) => Examined::Used,
        (true, false) => Examined::Good(Box::new(Found { id, row, user })),
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
