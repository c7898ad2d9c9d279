//! Proving once more who one is, and whether somebody has.

use std::sync::Arc;

use crate::account::AuthUser;
use crate::attempt::{self, Checked};
use crate::clock::Timestamp;
use crate::crypto::Normalized;
use crate::engine::{Client, Engine, ceil_secs, detached};
use crate::error::Result;
use crate::hooks::{AccountInfo, Elevated};
use crate::policy::SudoPolicy;
use crate::store::Digest;
use crate::store::elevations::{Method, NewElevation, Tried};

/// What became of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The session is elevated until then.
    Elevated(Timestamp),
    /// The session ended meanwhile, or its account changed.
    Gone,
    /// Not looked at, or the last that was wrong: none is looked at for this many seconds.
    Locked(u64),
    /// Wrong.
    Wrong,
}

/// What somebody shows.
#[derive(Debug)]
pub enum Proof<'a> {
    /// A code of a second factor. No account has one, so it is wrong.
    Code,
    /// A password; `None` is one that is longer than any can be.
    Password(Option<&'a Normalized>),
}

/// Who tries.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// The session that is to be elevated.
    pub session: &'a Digest,
    /// The transport's name.
    pub transport: &'static str,
    /// Where from.
    pub client: &'a Client,
}

/// Elevates a session. The try is counted before the proof is looked at (SEC-034), in a budget of the account's that no
/// other door shares: somebody with a stolen session can use it up, and the owner still signs in (SEC-035).
///
/// # Errors
/// When the database or the hashing queue fails.
pub async fn elevate<U: AuthUser>(
    engine: &Arc<Engine<U>>,
    policy: SudoPolicy,
    user: &U,
    proof: Proof<'_>,
    caller: Caller<'_>,
) -> Result<Outcome> {
    let SudoPolicy {
        max_attempts,
        lockout,
        ..
    } = policy;
    let budget = engine.sudo_bucket(user.id());
    let now = engine.now();
    let counted = engine.store.count_try(&budget, max_attempts, lockout, now);
    let nth = match counted.await? {
        Tried::Counted(nth) => nth,
        Tried::Locked(until) => return Ok(Outcome::Locked(ceil_secs(now, until))),
    };
    let checked = match proof {
        Proof::Code => Ok(Checked::Wrong),
        Proof::Password(password) => {
            attempt::check_password(engine, user, password, caller.client).await
        }
    };
    match checked {
        Ok(Checked::Right) => prove(engine, policy, user, budget, caller).await,
        Ok(Checked::Wrong) if nth < max_attempts => Ok(Outcome::Wrong),
        Ok(Checked::Wrong) => shut_out(engine, policy, user, budget).await,
        Ok(Checked::Locked(secs)) => {
            engine.store.forget_try(&budget).await?;
            Ok(Outcome::Locked(secs))
        }
        Err(error) => {
            engine.store.forget_try(&budget).await?;
            Err(error)
        }
    }
}

async fn prove<U: AuthUser>(
    engine: &Arc<Engine<U>>,
    policy: SudoPolicy,
    user: &U,
    budget: Digest,
    caller: Caller<'_>,
) -> Result<Outcome> {
    let account = AccountInfo::of(user);
    let hash = user.account().password_hash.cloned();
    let session = *caller.session;
    let origin = engine.origin(caller.client, Some(caller.transport), Some(&session));
    let engine = Arc::clone(engine);
    detached(async move {
        let now = engine.now();
        let (until, method) = (now.plus(policy.ttl), Method::Password);
        let new = NewElevation {
            session: &session,
            user: &account.id,
            hash: hash.as_ref(),
            method,
            now,
            expires_at: until,
            budget: &budget,
        };
        if !engine.store.elevate(new).await? {
            return Ok(Outcome::Gone);
        }
        let event = Elevated {
            account,
            method: method.name(),
            until: until.to_datetime(),
            origin,
        };
        engine.hooks.after_sudo(&event).await;
        Ok(Outcome::Elevated(until))
    })
    .await
}

/// The last wrong proof: whoever gives it may not be the owner, so what the owner proved is over too.
async fn shut_out<U: AuthUser>(
    engine: &Arc<Engine<U>>,
    policy: SudoPolicy,
    user: &U,
    budget: Digest,
) -> Result<Outcome> {
    let (engine, id) = (Arc::clone(engine), user.id().clone());
    detached(async move {
        let now = engine.now();
        let until = now.plus(policy.lockout);
        let shut = engine
            .store
            .shut_out(&budget, &id, policy.max_attempts, now, until);
        shut.await?;
        Ok(Outcome::Locked(policy.lockout.as_secs()))
    })
    .await
}
