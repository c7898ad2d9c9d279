//! How long a request waits for the database, all its steps together.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::time::error::Elapsed;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

/// A request waits no longer than this, in all, from waiting for a connection to the database's last word: a database that
/// is down, slow or cut off shows as 503 within 2 s (SEC-147, SEC-148). One after the other, the limits of the pool, of
/// a lock and of the network would add up, and so would the steps of a flow; a pool of the application's own waits 30 s
/// unless told otherwise. What else takes time (a hash, a place to wait for) does not count.
const PATIENCE: Duration = Duration::from_millis(1900);

tokio::task_local! {
    /// What is left of it.
    static LEFT: Cell<Duration>;
}

/// What this request has left.
pub(crate) fn left() -> Duration {
    LEFT.try_with(Cell::get).unwrap_or(PATIENCE)
}

/// Says what this request has left.
pub(crate) fn leave(left: Duration) {
    let _ = LEFT.try_with(|cell| cell.set(left)); // outside a request each step is patient for itself
}

/// Has the steps of `work` share what is left; says what is left then.
pub(crate) async fn within<F: Future>(left: Duration, work: F) -> (F::Output, Duration) {
    let work = async {
        let done = work.await;
        (done, self::left())
    };
    LEFT.scope(Cell::new(left), work).await
}

/// Has the steps of `work` share one patience: that of the request that it is part of, or one of its own.
pub(crate) async fn shared<F: Future>(work: F) -> F::Output {
    let (done, rest) = within(left(), work).await;
    leave(rest);
    done
}

/// Has `work` be patient for itself: what the application does in a hook is no step of the request.
pub(crate) async fn afresh<F: Future>(work: F) -> F::Output {
    within(PATIENCE, work).await.0
}

/// Does one step, and gives it up when our patience ends.
pub(super) async fn step<F: Future>(pulse: &Pulse, work: F) -> Result<F::Output, Elapsed> {
    let (begun, left) = (Instant::now(), left());
    pulse.keep(begun);
    let done = timeout_at(begun + left, work).await; // the clock is read once for both
    leave(left.saturating_sub(begun.elapsed()));
    done
}

/// A timer that goes off before any step's, and wakes nobody.
///
/// Whenever one is set that would be the first of all to go off, tokio wakes whoever waits for the first, by a system call,
/// and a step's would nearly always be the first. While this one is set, it is not.
#[derive(Debug, Default)]
pub(super) struct Pulse(Mutex<Option<Pin<Box<Sleep>>>>);

/// Shorter than a step's patience, and than that with a connection that is given back.
const BEAT: Duration = Duration::from_millis(500);

impl Pulse {
    /// Sets it, unless it is.
    fn keep(&self, now: Instant) {
        let mut beat = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if beat.as_ref().is_none_or(|beat| beat.deadline() <= now) {
            let next = beat.insert(Box::pin(sleep_until(now + BEAT)));
            let _ = next.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deadline(pulse: &Pulse) -> Option<Instant> {
        Some(pulse.0.lock().unwrap().as_ref()?.deadline())
    }

    #[tokio::test(start_paused = true)]
    async fn a_pulse_is_set_once_for_all_steps_of_its_time() {
        let (pulse, start) = (Pulse::default(), Instant::now());
        for beat in 0..3 {
            tokio::time::advance(BEAT / 2).await;
            step(&pulse, async {}).await.unwrap();
            assert_eq!(deadline(&pulse), Some(start + BEAT * beat + BEAT * 3 / 2));
            tokio::time::advance(BEAT / 2).await;
            step(&pulse, async {}).await.unwrap();
            assert_eq!(deadline(&pulse), Some(start + BEAT * beat + BEAT * 3 / 2));
        }
    }

    #[test]
    fn a_pulse_outlives_its_runtime() {
        let pulse = Pulse::default();
        for _ in 0..2 {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_time().start_paused(true).build().unwrap();
            runtime.block_on(async {
                step(&pulse, sleep_until(Instant::now() + BEAT * 2))
                    .await
                    .unwrap();
                step(&pulse, async {}).await.unwrap();
            });
        }
    }
}
