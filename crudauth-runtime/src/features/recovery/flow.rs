//! Two flows with one shape: a request that tells nothing, a message, a confirmation that happens once.

use std::sync::Arc;

use crate::account::AuthUser;
use crate::crypto::link::{ResetPassword, Token, Verify};
use crate::crypto::{Normalized, PasswordHash, PasswordSource};
use crate::engine::{Client, Engine, detached};
use crate::error::Result;
use crate::hooks::{AccountEvent, AccountInfo};
use crate::judge::{self, BadPassword};
use crate::links::{Confirmation, Found, examine, redeem};
use crate::outbox;
use crate::store::links::Effect;
use crate::store::outbox::{Job, JobKind};

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A link to a new password.
    Reset,
    /// A link that proves what the account is recovered by.
    Verify,
}

/// What became of a new password by way of the mailbox.
#[derive(Debug)]
#[non_exhaustive]
pub enum ResetOutcome {
    /// See [`Confirmation`].
    Confirmed(Confirmation),
    /// The password will not do; the token is still good.
    Password(BadPassword),
}

/// Asks for a message to whoever is recovered by `target`. One row is written whether or not there is such an account:
/// nothing is looked up here, so nothing can be told.
///
/// # Errors
/// When the database cannot be written, or the random source fails.
pub async fn request<U: AuthUser>(
    engine: &Engine<U>,
    wanted: Wanted,
    target: String,
    redirect_to: Option<String>,
) -> Result<()> {
    let kind = match wanted {
        Wanted::Reset => JobKind::Reset,
        Wanted::Verify => JobKind::Verify,
    };
    let job = Job {
        target: Some(target),
        redirect_to,
        ..outbox::job(engine, kind)?
    };
    outbox::leave(engine, &job).await
}

/// Proves what the account is recovered by.
///
/// # Errors
/// When the database cannot be written.
pub async fn verify<U: AuthUser>(
    engine: &Arc<Engine<U>>,
    token: Option<Token<Verify>>,
    client: &Client,
) -> Result<Confirmation> {
    let found = match examine(engine, token).await? {
        Ok(found) => found,
        Err(confirmation) => return Ok(confirmation),
    };
    let origin = engine.origin(client, None, None);
    let engine = Arc::clone(engine);
    detached(async move {
        let account = found.user.account();
        let Some(factor) = account.factor else {
            return Ok(Confirmation::Dead);
        };
        let confirmation = redeem(&engine, &found, Effect::Verify { factor }).await?;
        if confirmation.is_done() && account.verified != Some(true) {
            let account = AccountInfo::of(&found.user);
            let event = AccountEvent { account, origin };
            engine.hooks.after_recovery_verified(&event).await;
        }
        Ok(confirmation)
    })
    .await
}

/// Sets a new password. Whoever holds the mailbox is the owner: every session ends, every other link is void, the account's
/// lock is taken off, and what it is recovered by is proven. Signs nobody in (SEC-093).
///
/// # Errors
/// When the database, the random source or the hashing queue fails.
pub async fn reset<U: AuthUser>(
    engine: &Arc<Engine<U>>,
    token: Option<Token<ResetPassword>>,
    password: &Normalized,
    client: &Client,
) -> Result<ResetOutcome> {
    let found = match examine(engine, token).await? {
        Ok(found) => found,
        Err(confirmation) => return Ok(ResetOutcome::Confirmed(confirmation)),
    };
    let account = found.user.account();
    let context = judge::context(account.email, account.username, PasswordSource::Reset);
    if let Err(bad) = judge::judge_password(engine, password, &context).await {
        return Ok(ResetOutcome::Password(bad));
    }
    let new = engine.passwords.hash(password, client.key()).await?;
    let origin = engine.origin(client, None, None);
    let engine = Arc::clone(engine);
    let confirmed = detached(async move {
        let confirmation = store(&engine, &found, &new).await?;
        if confirmation.is_done() {
            engine.outlets.due.notify_one();
            let first = found.user.account().verified == Some(false);
            let account = AccountInfo::of(&found.user);
            let event = AccountEvent { account, origin };
            engine.hooks.after_password_reset(&event).await;
            if first {
                engine.hooks.after_recovery_verified(&event).await;
            }
        }
        Ok(confirmation)
    });
    Ok(ResetOutcome::Confirmed(confirmed.await?))
}

async fn store<U: AuthUser>(
    engine: &Engine<U>,
    found: &Found<U>,
    new: &PasswordHash,
) -> Result<Confirmation> {
    let account = found.user.account();
    let Some(factor) = account.factor else {
        return Ok(Confirmation::Dead);
    };
    let notice = outbox::password_changed(engine, &found.user, true)?;
    let effect = Effect::ResetPassword {
        factor,
        old: account.password_hash,
        new,
        failures: &engine.account_bucket(found.user.id()),
        first_proof: account.verified != Some(true),
        notice: notice.as_ref(),
    };
    redeem(engine, found, effect).await
}
