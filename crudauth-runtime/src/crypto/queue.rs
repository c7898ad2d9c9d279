//! A bounded queue for a fixed number of permits, fair between clients.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::error::{Error, Result};

/// Who asks, as far as fairness is concerned: one key for each client address or network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientKey(u64);

impl ClientKey {
    /// All clients whose address is not known; they share one turn.
    pub const UNKNOWN: Self = Self(0);

    /// The client named by `bytes`, such as the bytes of its network.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(
            Sha256::digest(bytes)
                .iter()
                .take(8)
                .fold(0, |key, byte| key << 8 | u64::from(*byte)),
        )
    }
}

/// Hands out a fixed number of permits. Clients that wait take turns, however many requests each has waiting.
#[derive(Debug, Clone)]
pub(super) struct Queue(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Permits in all.
    permits: usize,
    /// Most waiters.
    limit: usize,
    /// Longest wait.
    wait: Duration,
    state: Mutex<State>,
}

/// Invariant: while a permit is free, nobody waits.
#[derive(Debug)]
struct State {
    free: usize,
    waiting: usize,
    next_id: u64,
    /// One for each client that has waiters, the next to be served first.
    lanes: VecDeque<Lane>,
}

#[derive(Debug)]
struct Lane {
    client: ClientKey,
    waiters: VecDeque<Waiter>,
}

/// Dropping it tells the waiter that its place is lost.
#[derive(Debug)]
struct Waiter {
    id: u64,
    grant: oneshot::Sender<Permit>,
}

impl Queue {
    /// `permits` at once, at most `limit` waiters, each for no longer than `wait`.
    pub(super) fn new(permits: usize, limit: usize, wait: Duration) -> Self {
        let state = State {
            free: permits,
            waiting: 0,
            next_id: 0,
            lanes: VecDeque::new(),
        };
        Self(Arc::new(Inner {
            permits,
            limit,
            wait,
            state: Mutex::new(state),
        }))
    }

    /// Waits for a permit. Dropping the future gives the place back at once.
    ///
    /// # Errors
    /// [`Error::Busy`] if the queue is full, if the wait passes its limit, or if the place went to a client that has
    /// fewer waiters.
    pub(super) async fn enter(&self, client: ClientKey) -> Result<Permit> {
        let mut place = match self.join(client)? {
            Joined::Permit(permit) => return Ok(permit),
            Joined::Place(place) => place,
        };
        match timeout(self.0.wait, &mut place.granted).await {
            Ok(Ok(permit)) => Ok(permit),
            // The place went to somebody else, or the wait was too long.
            Ok(Err(_)) | Err(_) => Err(BUSY),
        }
    }

    /// Permits in use.
    pub(super) fn running(&self) -> usize {
        self.0.permits - self.0.lock().free
    }

    /// Requests that wait.
    pub(super) fn waiting(&self) -> usize {
        self.0.lock().waiting
    }

    fn join(&self, client: ClientKey) -> Result<Joined> {
        let mut state = self.0.lock();
        if state.free > 0 {
            state.free -= 1;
            return Ok(Joined::Permit(Permit(Some(self.0.clone()))));
        }
        // Dropped after the lock: that wakes whoever lost the place.
        let displaced = if state.waiting >= self.0.limit {
            Some(state.displace(client).ok_or(BUSY)?)
        } else {
            None
        };
        let (grant, granted) = oneshot::channel();
        let id = state.push(client, grant);
        drop(state);
        drop(displaced);
        Ok(Joined::Place(Place {
            granted,
            client,
            id,
            queue: self.0.clone(),
        }))
    }
}

enum Joined {
    Permit(Permit),
    Place(Place),
}

impl Inner {
    // No code panics while it holds the lock, and the state is sound between any two statements.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(&mut self, client: ClientKey, grant: oneshot::Sender<Permit>) -> u64 {
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1);
        self.waiting += 1;
        let waiter = Waiter { id, grant };
        match self.lanes.iter_mut().find(|lane| lane.client == client) {
            Some(lane) => lane.waiters.push_back(waiter),
            None => self.lanes.push_back(Lane {
                client,
                waiters: VecDeque::from([waiter]),
            }),
        }
        id
    }

    /// The waiter whose turn it is: the oldest of the next client, which then goes to the back.
    fn pop(&mut self) -> Option<Waiter> {
        let mut lane = self.lanes.pop_front()?;
        let waiter = lane.waiters.pop_front()?;
        if !lane.waiters.is_empty() {
            self.lanes.push_back(lane);
        }
        self.waiting -= 1;
        Some(waiter)
    }

    /// Takes the newest waiter of the client that has most, if `client` would then still have no more than that one.
    /// With a smaller difference the two would only trade places.
    fn displace(&mut self, client: ClientKey) -> Option<Waiter> {
        let own = self
            .lanes
            .iter()
            .find(|lane| lane.client == client)
            .map_or(0, |lane| lane.waiters.len());
        let most = self
            .lanes
            .iter_mut()
            .max_by_key(|lane| lane.waiters.len())?;
        if own + 1 >= most.waiters.len() {
            return None;
        }
        // It has two waiters at least, so that its lane does not become empty.
        let waiter = most.waiters.pop_back()?;
        self.waiting -= 1;
        Some(waiter)
    }

    fn remove(&mut self, client: ClientKey, id: u64) -> Option<Waiter> {
        let lane_at = self.lanes.iter().position(|lane| lane.client == client)?;
        let lane = self.lanes.get_mut(lane_at)?;
        let at = lane.waiters.iter().position(|waiter| waiter.id == id)?;
        let waiter = lane.waiters.remove(at);
        if lane.waiters.is_empty() {
            self.lanes.remove(lane_at);
        }
        self.waiting -= 1;
        waiter
    }
}

/// A place in the queue. When it is dropped, the place is given back; a permit that arrived meanwhile goes on to the
/// next, because dropping `granted` drops the permit in it.
#[derive(Debug)]
struct Place {
    granted: oneshot::Receiver<Permit>,
    client: ClientKey,
    id: u64,
    queue: Arc<Inner>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let removed = self.queue.lock().remove(self.client, self.id);
        drop(removed);
    }
}

/// The right to run one hash. Goes to the next waiter when dropped.
#[derive(Debug)]
pub(super) struct Permit(Option<Arc<Inner>>);

impl Drop for Permit {
    fn drop(&mut self) {
        while let Some(inner) = self.0.take() {
            let mut state = inner.lock();
            let Some(next) = state.pop() else {
                state.free += 1;
                return;
            };
            drop(state);
            // A waiter that is just going away hands the permit back, and it is offered to the one after.
            match next.grant.send(Permit(Some(inner))) {
                Ok(()) => return,
                Err(mut refused) => self.0 = refused.0.take(),
            }
        }
    }
}

/// A hash takes some tens of milliseconds, so that a full queue has moved on by then.
const BUSY: Error = Error::Busy(Duration::from_secs(2));

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
