//! The worker that turns rows of the outbox into messages, and hands them over until they are taken.
//!
//! A request leaves one row, whatever it finds, and answers. Here the account behind it is looked up, its link made, and
//! the message sent: how long that takes, and whether it works, no answer tells (SEC-029, SEC-156).

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::account::AuthUser;
use crate::crypto::link::row_name;
use crate::engine::Engine;
use crate::error::Result;
use crate::mail::{AT_ONCE, PATIENCE};
use crate::store::outbox::{Claimed, Job, JobKind};

mod deliver;
mod resolve;

/// A process that takes a row and dies holds it this long.
const LEASE: Duration = Duration::from_mins(1);
const _: () = assert!(LEASE.as_secs() > PATIENCE.as_secs());

/// The worker looks by itself this often: other processes leave rows too, without telling this one.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// How long a notice is worth delivering.
const NOTICE: Duration = Duration::from_hours(72);

/// What becomes of a row.
enum Fate {
    /// It is finished, delivered or not.
    Gone,
    /// It is tried again.
    Later,
}

/// A row for the worker.
pub(crate) fn job<U: AuthUser>(engine: &Engine<U>, kind: JobKind) -> Result<Job<U::Id>> {
    let policy = &engine.policy.recovery;
    let life = match kind {
        JobKind::Change => policy.change_ttl,
        JobKind::Reset => policy.reset_ttl,
        JobKind::Verify => policy.verify_ttl,
        JobKind::EmailChanged
        | JobKind::ExistingAccount
        | JobKind::IdentityLinked
        | JobKind::PasswordChanged => NOTICE,
    };
    let now = engine.now();
    Ok(Job {
        id: row_name(&engine.random)?,
        kind,
        user: None,
        target: None,
        recipient: None,
        link: None,
        state: None,
        redirect_to: None,
        created_at: now,
        expires_at: now.plus(life),
    })
}

/// A notice to the account's owner that its password is another one now; `None` where no messages go out, or none reach it.
/// `proven`: the owner of the mailbox has just been here.
pub(crate) fn password_changed<U: AuthUser>(
    engine: &Engine<U>,
    user: &U,
    proven: bool,
) -> Result<Option<Job<U::Id>>> {
    notice(engine, user, JobKind::PasswordChanged, proven)
}

/// A notice to the account's owner that somebody at a provider can sign in to it now.
#[cfg(feature = "oauth")]
pub(crate) fn identity_linked<U: AuthUser>(
    engine: &Engine<U>,
    user: &U,
) -> Result<Option<Job<U::Id>>> {
    notice(engine, user, JobKind::IdentityLinked, false)
}

/// Nobody is written to of an account that only claims the mailbox.
fn notice<U: AuthUser>(
    engine: &Engine<U>,
    user: &U,
    kind: JobKind,
    proven: bool,
) -> Result<Option<Job<U::Id>>> {
    let account = user.account();
    let Some(recipient) = account.factor else {
        return Ok(None);
    };
    let proven = proven || account.verified != Some(false);
    if !proven || !engine.policy.recovery.delivers() {
        return Ok(None);
    }
    Ok(Some(Job {
        user: Some(user.id().clone()),
        recipient: Some(recipient.to_owned()),
        ..job(engine, kind)?
    }))
}

/// Leaves a row, and wakes the worker.
pub(crate) async fn leave<U: AuthUser>(engine: &Engine<U>, job: &Job<U::Id>) -> Result<()> {
    engine.store.enqueue(job).await?;
    engine.outlets.due.notify_one();
    Ok(())
}

/// Runs until it is told to stop, or the authority is gone.
pub(crate) async fn serve<U: AuthUser>(weak: Weak<Engine<U>>, mut stopped: watch::Receiver<bool>) {
    while let Some(engine) = weak.upgrade() {
        let due = Arc::clone(&engine.outlets.due);
        let mut work = Box::pin(turn(&engine));
        let wait = tokio::select! {
            wait = &mut work => wait,
            _ = stopped.changed() => {
                // What is in the air lands, and what is due goes out, as far as that is soon done: the turn may have looked
                // for the last time before somebody left a row.
                drain(async {
                    work.await;
                    turn(&engine).await
                })
                .await;
                return;
            }
        };
        drop(work);
        drop(engine);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = due.notified() => {}
            _ = stopped.changed() => {
                // Once more: somebody may have left a row without telling this process.
                if let Some(engine) = weak.upgrade() {
                    drain(turn(&engine)).await;
                }
                return;
            }
        }
    }
}

/// Waits for `work` no longer than [`DRAIN`].
pub(crate) async fn drain<T>(work: impl Future<Output = T>) {
    if tokio::time::timeout(DRAIN, work).await.is_err() {
        tracing::warn!("messages are left in the outbox; the next start delivers them");
    }
}

/// Longest that an authority which ends waits for messages to be taken. The rest stays in the database.
pub(crate) const DRAIN: Duration = Duration::from_secs(5);

/// Delivers what is due, and says how long nothing will be.
async fn turn<U: AuthUser>(engine: &Arc<Engine<U>>) -> Duration {
    let work = async {
        run_due(engine).await?;
        engine.store.next_due().await
    };
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(next)) => next.map_or(LOOK_AGAIN, |next| next.since(engine.now()).min(LOOK_AGAIN)),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the outbox cannot be read; it is tried again");
            LOOK_AGAIN
        }
        Err(_) => {
            tracing::error!("the outbox worker panicked; it goes on");
            LOOK_AGAIN
        }
    }
}

/// Delivers every message that is due, [`AT_ONCE`] at a time, and says how many rows were finished.
pub(crate) async fn run_due<U: AuthUser>(engine: &Arc<Engine<U>>) -> Result<u64> {
    // Tasks, and not futures of this one: a message that holds the only connection, or the turn to write, must get on while
    // this one waits for it.
    let mut flying = JoinSet::new();
    let (mut finished, mut failed) = (0, None);
    loop {
        let room = u32::try_from(AT_ONCE.saturating_sub(flying.len())).unwrap_or(0);
        if room > 0 && failed.is_none() {
            match engine.store.claim(engine.now(), LEASE, room).await {
                Ok(claimed) => {
                    for row in claimed {
                        flying.spawn(handle(Arc::clone(engine), row));
                    }
                }
                Err(error) => failed = Some(error), // what is in the air lands first
            }
        }
        // What comes while others are in the air is taken as soon as there is room for it: one slow message does not keep
        // the next one waiting.
        tokio::select! {
            landed = flying.join_next() => match landed {
                Some(done) => finished += u64::from(done.unwrap_or(false)),
                None => return failed.map_or(Ok(finished), Err),
            },
            () = engine.outlets.due.notified(), if !flying.is_empty() && failed.is_none() => {}
            // Retries that fall due meanwhile, and what other processes leave.
            () = tokio::time::sleep(LOOK_AGAIN), if !flying.is_empty() && failed.is_none() => {}
        }
    }
}

/// Handles one row to its end, and says whether it is finished.
async fn handle<U: AuthUser>(engine: Arc<Engine<U>>, row: Claimed<U::Id>) -> bool {
    let (id, attempt) = (row.job.id.as_str(), row.attempt);
    let kind = row.job.kind.name();
    let fate = match AssertUnwindSafe(process(&engine, &row.job))
        .catch_unwind()
        .await
    {
        Ok(Ok(fate)) => fate,
        Ok(Err(error)) => {
            tracing::warn!(%error, id, kind, "a message is put off");
            Fate::Later
        }
        Err(_) => {
            tracing::error!(id, kind, "a message made its worker panic; it is put off");
            Fate::Later
        }
    };
    let recorded = match fate {
        Fate::Gone => engine.store.finish(id, attempt).await,
        Fate::Later => {
            let at = engine.now().plus(back_off(attempt));
            engine.store.postpone(id, attempt, at).await
        }
    };
    // Unrecorded, it is taken again when the lease is over: a message may come twice, and is never lost.
    if let Err(error) = &recorded {
        tracing::warn!(%error, id, kind, "the fate of a message could not be recorded");
    }
    recorded.is_ok() && matches!(fate, Fate::Gone)
}

async fn process<U: AuthUser>(engine: &Arc<Engine<U>>, job: &Job<U::Id>) -> Result<Fate> {
    if job.expires_at <= engine.now() {
        let (id, kind) = (job.id.as_str(), job.kind.name());
        tracing::error!(
            id,
            kind,
            "a message was never taken, and is not needed any more"
        );
        return Ok(Fate::Gone);
    }
    let resolved;
    let ready = if job.recipient.is_some() {
        job
    } else {
        match resolve::resolve(engine, job).await? {
            Some(ready) => {
                resolved = ready;
                &resolved
            }
            None => return Ok(Fate::Gone),
        }
    };
    deliver::deliver(engine, ready).await
}

/// How long after its `attempt`th failure a message is tried again: 5 s, three times as long each time, 15 min at most.
fn back_off(attempt: i64) -> Duration {
    let times = u32::try_from(attempt.clamp(1, 12) - 1).unwrap_or(0);
    FIRST_WAIT
        .saturating_mul(3_u32.saturating_pow(times))
        .min(LONGEST_WAIT)
}

const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_mins(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_quarter_of_an_hour() {
        let waits: Vec<u64> = (1..=8).map(|attempt| back_off(attempt).as_secs()).collect();
        assert_eq!(waits, [5, 15, 45, 135, 405, 900, 900, 900]);
        assert_eq!(back_off(i64::MAX).as_secs(), 900);
    }
}
