//! One attempt to sign in, from the moment it is counted to the moment it is settled; and one guess at the password of an
//! account that is signed in to.

use std::sync::Arc;

use crate::account::AuthUser;
use crate::crypto::{Normalized, Purpose, fold_identifier};
use crate::engine::{Client, Engine, ceil_secs, detached};
use crate::error::{Error, Result};
use crate::store::{Buckets, Reservation, Settlement};
use crate::waiting::Called;

/// Counters that all unknown identifiers share. An attacker who makes names up cannot grow the table past this many
/// rows (SEC-038); that two made-up names share a budget tells nothing about real ones, whose counters are their own.
const UNKNOWN_SLOTS: u16 = u16::MAX;

/// Which account an attempt is about.
#[derive(Debug)]
pub(crate) enum Subject<'a, U: AuthUser> {
    /// One that exists, however it was named.
    Account(&'a U),
    /// None: the identifier as typed.
    Unknown(&'a str),
}

/// What the budget says.
pub(crate) enum Admission<U: AuthUser> {
    /// Go on. The attempt must be settled; dropped unsettled, it counts as failed.
    Granted(Attempt<U>),
    /// Refused unseen, for this many seconds.
    Locked(u64),
}

/// A counted attempt. If its future is dropped half-way (the client went away) it is settled in the background.
#[derive(Debug)]
pub(crate) struct Attempt<U: AuthUser> {
    engine: Arc<Engine<U>>,
    buckets: Option<Buckets>,
    if_dropped: Settlement,
}

impl<U: AuthUser> Attempt<U> {
    /// Counts an attempt before its password is looked at (SEC-034).
    ///
    /// `device` is the nonce of a device cookie that was issued for this very account.
    pub(crate) async fn admit(
        engine: &Arc<Engine<U>>,
        client: &Client,
        subject: &Subject<'_, U>,
        device: Option<&str>,
    ) -> Result<Admission<U>> {
        let buckets = buckets(engine, client, subject, device);
        if engine.unlimited {
            return Ok(Admission::Granted(Self::new(engine, None)));
        }
        let owner = buckets.device.unwrap_or(buckets.account);
        let watched: Vec<_> = match buckets.device {
            Some(device) => vec![device],
            None => vec![buckets.address, buckets.account],
        };
        let patience = engine.policy.password.wait;
        let waited = tokio::time::timeout(patience, async {
            loop {
                let called = match reserve(engine, &buckets).await? {
                    Reserved::Granted(attempt) => return Ok(Admission::Granted(attempt)),
                    Reserved::Refused(Reservation::Locked(lock)) => {
                        // Those who wait for a counter that is not locked wait on: a burnt address must not send home
                        // the owner of the account it names.
                        let mut closed = Vec::with_capacity(2);
                        closed.extend(lock.address.then_some(buckets.address));
                        closed.extend(lock.account.then_some(owner));
                        engine.waiting.locked(&closed, lock.until);
                        Called::Locked(lock.until)
                    }
                    Reserved::Refused(_) => engine.waiting.wait(&watched).await,
                };
                match called {
                    Called::TryAgain => {}
                    Called::Full => return Err(Error::Busy(patience)),
                    Called::Locked(until) => {
                        return Ok(Admission::Locked(ceil_secs(engine.now(), until)));
                    }
                }
            }
        });
        waited.await.unwrap_or(Err(Error::Busy(patience)))
    }

    fn new(engine: &Arc<Engine<U>>, buckets: Option<Buckets>) -> Self {
        Self {
            engine: Arc::clone(engine),
            buckets,
            if_dropped: Settlement::Released,
        }
    }

    /// The password is going to be looked at: from here on, going away counts as a failure.
    pub(crate) fn evaluating(&mut self) {
        self.if_dropped = Settlement::Failed;
    }

    /// The password was wrong.
    pub(crate) async fn failed(self) -> Result<()> {
        self.settle(Settlement::Failed).await
    }

    /// The password was never looked at.
    pub(crate) async fn released(self) -> Result<()> {
        self.settle(Settlement::Released).await
    }

    /// The password was right: from here on, dropping the attempt costs nobody a failure. The counters to be settled by
    /// the transaction that opens the session.
    pub(crate) fn proven(&mut self) -> Option<&Buckets> {
        self.if_dropped = Settlement::Released;
        self.buckets.as_ref()
    }

    /// The password was right, and no transaction settles it.
    pub(crate) async fn succeeded(self) -> Result<()> {
        let clear_address = self.engine.policy.lockout.clear_address;
        self.settle(Settlement::Succeeded { clear_address }).await
    }

    /// The transaction that settled it is committed.
    pub(crate) fn settled(mut self) {
        if let Some(buckets) = self.buckets.take() {
            self.engine.waiting.settled(&keys(&buckets));
        }
    }

    /// To its end, whoever goes away: a statement under way is not undone by dropping its future, and settled a second
    /// time by the guard it would count twice, and free a place that another attempt holds.
    async fn settle(mut self, outcome: Settlement) -> Result<()> {
        self.if_dropped = outcome;
        detached(async move {
            if let Some(buckets) = self.buckets.clone() {
                self.engine.store.settle(&buckets, outcome).await?;
                self.settled();
            }
            Ok(())
        })
        .await
    }
}

enum Reserved<U: AuthUser> {
    Granted(Attempt<U>),
    Refused(Reservation),
}

/// Reserves to the end: if the client goes away between the commit and the guard, the guard is dropped in the background
/// and gives the place back.
async fn reserve<U: AuthUser>(engine: &Arc<Engine<U>>, buckets: &Buckets) -> Result<Reserved<U>> {
    let (engine, buckets) = (Arc::clone(engine), buckets.clone());
    detached(async move {
        let policy = engine.policy.lockout;
        let reservation = engine
            .store
            .reserve(&buckets, &policy, engine.now())
            .await?;
        Ok(match reservation {
            Reservation::Granted => Reserved::Granted(Attempt::new(&engine, Some(buckets))),
            refused => Reserved::Refused(refused),
        })
    })
    .await
}

impl<U: AuthUser> Drop for Attempt<U> {
    fn drop(&mut self) {
        let Some(buckets) = self.buckets.take() else {
            return;
        };
        // Without a runtime (a process that is ending) the reservation lapses by itself after a minute.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let (engine, outcome) = (Arc::clone(&self.engine), self.if_dropped);
        runtime.spawn(async move {
            if let Err(error) = engine.store.settle(&buckets, outcome).await {
                tracing::warn!(%error, "an abandoned sign-in attempt could not be settled; it lapses in a minute");
            }
            engine.waiting.settled(&keys(&buckets));
        });
    }
}

fn keys(buckets: &Buckets) -> Vec<[u8; 32]> {
    [buckets.address, buckets.account]
        .into_iter()
        .chain(buckets.device)
        .collect()
}

fn buckets<U: AuthUser>(
    engine: &Engine<U>,
    client: &Client,
    subject: &Subject<'_, U>,
    device: Option<&str>,
) -> Buckets {
    let mac = |text: String| engine.keys.mac(Purpose::Attempt, text.as_bytes());
    let account = match subject {
        Subject::Account(user) => engine.account_bucket(user.id()),
        Subject::Unknown(identifier) => {
            let [high, low, ..] = mac(format!("identifier\0{}", fold_identifier(identifier)));
            mac(format!(
                "unknown\0{}",
                u16::from_be_bytes([high, low]) % UNKNOWN_SLOTS
            ))
        }
    };
    let with = |label: &str, text: &str| {
        let mut message = format!("{label}\0{text}\0").into_bytes();
        message.extend_from_slice(&account);
        engine.keys.mac(Purpose::Attempt, &message)
    };
    Buckets {
        address: mac(format!("address\0{}", client.group)),
        account,
        pair: with("pair", &client.group),
        device: device.map(|nonce| with("device", nonce)),
    }
}

/// What a password turned out to be that somebody gave who is signed in already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checked {
    /// The account's.
    Right,
    /// Another one, or the account has none.
    Wrong,
    /// Never looked at: the account is closed to guesses, for this many seconds at least.
    Locked(u64),
}

/// Checks the password of an account at a door besides signing in. `None` is one that is longer than any can be.
///
/// The guess is counted before the password is looked at (SEC-034), and taken back if it was right or nobody looked. It
/// counts towards the account's run alone (SEC-037), which every door shares: how often one may try at this door is the
/// door's own budget, so that a stolen session cannot lock the owner's sign-in (SEC-035).
pub(crate) async fn check_password<U: AuthUser>(
    engine: &Engine<U>,
    user: &U,
    password: Option<&Normalized>,
    client: &Client,
) -> Result<Checked> {
    if !count_guess(engine, user).await? {
        return Ok(Checked::Locked(engine.policy.lockout.max.as_secs()));
    }
    let Some(password) = password else {
        return Ok(Checked::Wrong);
    };
    let stored = user.account().password_hash;
    let verdict = engine
        .passwords
        .verify(password, stored, client.key())
        .await;
    if verdict.as_ref().is_ok_and(|verdict| !verdict.ok) {
        return Ok(Checked::Wrong);
    }
    forgive_guess(engine, user).await?;
    verdict.map(|_| Checked::Right)
}

/// False when the account is closed to further guesses.
async fn count_guess<U: AuthUser>(engine: &Engine<U>, user: &U) -> Result<bool> {
    if engine.unlimited {
        return Ok(true);
    }
    let hard_stop = engine.policy.lockout.hard_stop;
    engine
        .store
        .count_failure(&engine.account_bucket(user.id()), hard_stop, engine.now())
        .await
}

async fn forgive_guess<U: AuthUser>(engine: &Engine<U>, user: &U) -> Result<()> {
    if engine.unlimited {
        return Ok(());
    }
    engine
        .store
        .forgive(&engine.account_bucket(user.id()))
        .await
}
