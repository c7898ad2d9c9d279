//! How long a request waits for the database, all its steps together.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};

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
pub(super) async fn step<F: Future>(work: F) -> Result<F::Output, Elapsed> {
    let (begun, left) = (Instant::now(), left());
    let done = timeout_at(begun + left, work).await; // the clock is read once for both
    leave(left.saturating_sub(begun.elapsed()));
    done
}
