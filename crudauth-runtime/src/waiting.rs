//! Where attempts wait while every free place of their budget is held by one in flight.
//!
//! Without it, twelve people behind one address who sign in at the same moment with right passwords would see seven
//! refusals. Waiting holds no connection and no hashing permit.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::Timestamp;
use crate::store::Digest;

/// Most attempts that wait in one process.
const CAPACITY: usize = 4096;
/// Another process settles without telling this one, so a waiter looks again by itself.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The waiting attempts of one process, first come first served per counter.
#[derive(Debug, Default)]
pub(crate) struct WaitingRoom(Mutex<HashMap<Digest, VecDeque<Arc<Seat>>>>);

#[derive(Debug, Default)]
struct Seat {
    called: Notify,
    locked_until: AtomicI64,
}

/// Why a waiter was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Called {
    /// The room is full.
    Full,
    /// A lock was put on one of the counters.
    Locked(Timestamp),
    /// A place may be free.
    TryAgain,
}

impl WaitingRoom {
    /// Waits until an attempt on one of `counters` is settled.
    pub(crate) async fn wait(&self, counters: &[Digest]) -> Called {
        let seat = Arc::new(Seat::default());
        {
            let mut rooms = self.rooms();
            if rooms.values().map(VecDeque::len).sum::<usize>() >= CAPACITY {
                return Called::Full;
            }
            for counter in counters {
                rooms
                    .entry(*counter)
                    .or_default()
                    .push_back(Arc::clone(&seat));
            }
        }
        let leave = Leave {
            room: self,
            counters,
            seat: &seat,
        };
        let _ = tokio::time::timeout(LOOK_AGAIN, seat.called.notified()).await;
        drop(leave);
        match seat.locked_until.load(Ordering::SeqCst) {
            0 => Called::TryAgain,
            until => Called::Locked(Timestamp::from_micros(until)),
        }
    }

    /// Calls the first waiter of each counter.
    pub(crate) fn settled(&self, counters: &[Digest]) {
        let mut rooms = self.rooms();
        for counter in counters {
            if let Some(seat) = rooms.get_mut(counter).and_then(VecDeque::pop_front) {
                seat.called.notify_one();
            }
        }
    }

    /// Sends everybody home who waits for one of these counters.
    pub(crate) fn locked(&self, counters: &[Digest], until: Timestamp) {
        let mut rooms = self.rooms();
        for seat in counters
            .iter()
            .filter_map(|counter| rooms.remove(counter))
            .flatten()
        {
            seat.locked_until.store(until.as_micros(), Ordering::SeqCst);
            seat.called.notify_one();
        }
    }

    fn rooms(&self) -> std::sync::MutexGuard<'_, HashMap<Digest, VecDeque<Arc<Seat>>>> {
        // A panic while the lock was held cannot have left the map half-changed: each step is one call.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the seat back however the wait ends, so that a client that goes away leaves nothing behind.
struct Leave<'a> {
    room: &'a WaitingRoom,
    counters: &'a [Digest],
    seat: &'a Arc<Seat>,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let mut rooms = self.room.rooms();
        for counter in self.counters {
            if let Some(seats) = rooms.get_mut(counter) {
                seats.retain(|seat| !Arc::ptr_eq(seat, self.seat));
                if seats.is_empty() {
                    rooms.remove(counter);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_settled_attempt_calls_one_waiter_and_a_lock_calls_all() {
        let room = Arc::new(WaitingRoom::default());
        let wait = |room: &Arc<WaitingRoom>| {
            let room = Arc::clone(room);
            tokio::spawn(async move { room.wait(&[[7; 32]]).await })
        };
        let (first, second) = (wait(&room), wait(&room));
        tokio::task::yield_now().await;
        room.settled(&[[7; 32]]);
        assert_eq!(first.await.unwrap(), Called::TryAgain);
        room.locked(&[[7; 32]], Timestamp::from_micros(5));
        assert_eq!(
            second.await.unwrap(),
            Called::Locked(Timestamp::from_micros(5))
        );
        assert!(room.rooms().is_empty());
    }

    #[tokio::test]
    async fn a_waiter_that_goes_away_leaves_no_seat() {
        let room = WaitingRoom::default();
        let _ = tokio::time::timeout(Duration::ZERO, room.wait(&[[7; 32]])).await;
        assert!(room.rooms().is_empty());
    }
}
