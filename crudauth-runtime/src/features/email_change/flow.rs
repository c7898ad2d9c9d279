//! A change of address: asked for with the password, confirmed from the new mailbox, told to the old one, which can take it
//! back.

use std::sync::Arc;

use crate::account::AuthUser;
use crate::attempt::{self, Checked};
use crate::crypto::link::{ChangeEmail, LinkKind, Token, UndoEmailChange};
use crate::crypto::{Normalized, PasswordHash};
use crate::engine::{Client, Engine, detached};
use crate::error::Result;
use crate::hooks::{AccountInfo, EmailChanged, Origin};
use crate::links::{self, Confirmation, examine, redeem};
use crate::outbox;
use crate::store::links::Effect;
use crate::store::outbox::{Job, JobKind};

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Requested {
    /// The password is wrong, or the account has none.
    Incorrect,
    /// Too many wrong passwords in a row at every door of this account: none is looked at for this many seconds.
    Locked(u64),
    /// The address is the present one.
    Same,
    /// A message goes to the new address, unless that is somebody's.
    Sent,
}

/// Asks for a link to `address`. Whether that is somebody's is found out after the answer.
///
/// # Errors
/// When the database, the random source or the hashing queue fails.
pub async fn request<U: AuthUser>(
    engine: &Engine<U>,
    user: &U,
    asked: Asked<'_>,
    client: &Client,
) -> Result<Requested> {
    match attempt::check_password(engine, user, asked.password, client).await? {
        Checked::Right => {}
        Checked::Wrong => return Ok(Requested::Incorrect),
        Checked::Locked(retry_after) => return Ok(Requested::Locked(retry_after)),
    }
    if user.account().email == Some(asked.address.as_str()) {
        return Ok(Requested::Same);
    }
    let job = Job {
        user: Some(user.id().clone()),
        target: Some(asked.address),
        state: Some(links::state(engine, LinkKind::ChangeEmail, user)),
        redirect_to: asked.redirect_to,
        ..outbox::job(engine, JobKind::Change)?
    };
    outbox::leave(engine, &job).await?;
    Ok(Requested::Sent)
}

/// What a request says.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The new address, canonical.
    pub address: String,
    /// The password; `None` when it was longer than any password can be.
    pub password: Option<&'a Normalized>,
    /// Where the browser goes afterwards.
    pub redirect_to: Option<String>,
}

/// Moves the account to the address that the token was sent to.
///
/// # Errors
/// When the database cannot be written, or the random source fails.
pub async fn confirm<U: AuthUser>(
    engine: &Arc<Engine<U>>,
    token: Option<Token<ChangeEmail>>,
    client: &Client,
) -> Result<Confirmation> {
    let found = match examine(engine, token).await? {
        Ok(found) => found,
        Err(confirmation) => return Ok(confirmation),
    };
    let Some(to) = found.row.address.clone() else {
        return Ok(Confirmation::Dead);
    };
    let origin = engine.origin(client, None, None);
    let engine = Arc::clone(engine);
    detached(async move {
        let account = found.user.account();
        let former = account.email;
        let back = match former {
            Some(former) => Some(way_back(&engine, &found.user, former)?),
            None => None,
        };
        let effect = Effect::ChangeEmail {
            from: former,
            to: &to,
            password: account.password_hash,
            evict: engine.policy.recovery.evict_on_change,
            undo: back.as_ref().map(|(link, notice)| (link, notice)),
        };
        let confirmation = redeem(&engine, &found, effect).await?;
        if confirmation.is_done() {
            engine.outlets.due.notify_one();
            tell(&engine, &found.user, to, false, origin).await;
        }
        Ok(confirmation)
    })
    .await
}

/// The link that takes the change back, and the message to the former address that carries it.
fn way_back<U: AuthUser>(
    engine: &Engine<U>,
    user: &U,
    former: &str,
) -> Result<(links::NewLink, Job<U::Id>)> {
    let undo = links::issue::<U, UndoEmailChange>(engine, user, Some(former.to_owned()), None)?;
    let notice = Job {
        user: Some(user.id().clone()),
        recipient: Some(former.to_owned()),
        link: Some(undo.id.clone()),
        expires_at: undo.expires_at,
        ..outbox::job(engine, JobKind::EmailChanged)?
    };
    Ok((undo, notice))
}

/// Moves the account back to the address that the token was sent to, and ends every session: somebody else may have been in.
///
/// # Errors
/// When the database cannot be written.
pub async fn undo<U: AuthUser>(
    engine: &Arc<Engine<U>>,
    token: Option<Token<UndoEmailChange>>,
    client: &Client,
) -> Result<Confirmation> {
    let found = match examine(engine, token).await? {
        Ok(found) => found,
        Err(confirmation) => return Ok(confirmation),
    };
    let Some(to) = found.row.address.clone() else {
        return Ok(Confirmation::Dead);
    };
    let origin = engine.origin(client, None, None);
    let engine = Arc::clone(engine);
    detached(async move {
        let unusable = if found.row.first_proof {
            Some(PasswordHash::unusable(&engine.random)?)
        } else {
            None
        };
        let effect = Effect::UndoEmailChange {
            to: &to,
            made: found.row.created_at,
            unusable: unusable.as_ref(),
        };
        let confirmation = redeem(&engine, &found, effect).await?;
        if confirmation.is_done() {
            tell(&engine, &found.user, to, true, origin).await;
        }
        Ok(confirmation)
    })
    .await
}

async fn tell<U: AuthUser>(
    engine: &Engine<U>,
    user: &U,
    address: String,
    undone: bool,
    origin: Origin,
) {
    let mut account = AccountInfo::of(user);
    let former = account.email.replace(address).unwrap_or_default();
    let event = EmailChanged {
        account,
        former,
        undone,
        origin,
    };
    engine.hooks.after_email_changed(&event).await;
}
