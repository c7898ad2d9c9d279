//! What a provider publishes, kept for a while.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::Failure;
use crate::clock::Timestamp;

/// One thing that is fetched by whoever needs it first; the others wait for that and share what comes.
///
/// A request that goes away while it fetches leaves nothing behind: the next one that waits fetches in its place.
pub(super) struct Cache<T>(Mutex<Slot<T>>);

struct Slot<T> {
    good: Option<(Timestamp, Arc<T>)>,
    failed: Option<(Timestamp, Failure)>,
}

/// How long something is good for.
const LIFE: Duration = Duration::from_hours(1);

/// How long a failure is: everybody who waited while a provider was silent for 5 seconds shares it, in place of waiting as long
/// one after another.
const PAUSE: Duration = Duration::from_secs(5);

/// How seldom something is fetched anew because it lacks what is looked for: who signs in must not make us call at will.
const RENEWAL: Duration = Duration::from_secs(30);

impl<T> Cache<T> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Slot {
            good: None,
            failed: None,
        }))
    }

    /// What is kept, or what `fetch` gives.
    pub(super) async fn get<F>(&self, now: Timestamp, fetch: F) -> Result<Arc<T>, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut slot = self.0.lock().await;
        match &slot.good {
            Some((since, kept)) if is_within(LIFE, *since, now) => Ok(Arc::clone(kept)),
            _ => slot.fetch(now, PAUSE, fetch).await,
        }
    }

    /// Something newer than `old`, which lacked what was looked for; or `old`, if it is too early to ask again.
    pub(super) async fn renew<F>(
        &self,
        old: Arc<T>,
        now: Timestamp,
        fetch: F,
    ) -> Result<Arc<T>, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut slot = self.0.lock().await;
        match &slot.good {
            Some((_, kept)) if !Arc::ptr_eq(kept, &old) => Ok(Arc::clone(kept)),
            Some((since, _)) if is_within(RENEWAL, *since, now) => Ok(old),
            _ => slot.fetch(now, RENEWAL, fetch).await,
        }
    }
}

impl<T> Slot<T> {
    async fn fetch<F>(
        &mut self,
        now: Timestamp,
        pause: Duration,
        fetch: F,
    ) -> Result<Arc<T>, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        if let Some((since, failure)) = &self.failed
            && is_within(pause, *since, now)
        {
            return Err(failure.clone());
        }
        match fetch.await {
            Ok(fresh) => {
                let fresh = Arc::new(fresh);
                self.good = Some((now, Arc::clone(&fresh)));
                self.failed = None;
                Ok(fresh)
            }
            Err(failure) => {
                self.failed = Some((now, failure.clone()));
                Err(failure)
            }
        }
    }
}

/// Whether `since` and `now` are no further apart than `span`. Either may be the earlier: those who wait bring the instant at
/// which they began, and a clock can be set back.
fn is_within(span: Duration, since: Timestamp, now: Timestamp) -> bool {
    now.since(since) < span && since.since(now) < span
}
