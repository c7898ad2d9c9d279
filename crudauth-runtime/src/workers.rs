//! Background work, supervised: it survives panics and a database that goes away, and ends with the last `Auth`.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::account::AuthUser;
use crate::engine::Engine;
use crate::error::Result;
use crate::outbox;

/// Most rows that one statement of the sweeper deletes.
const BATCH: u32 = 1000;
/// Between two batches, so that writers get their turn.
const PAUSE: Duration = Duration::from_millis(50);

/// A handle on the workers of one authority. They stop when it is dropped.
#[derive(Debug)]
pub(crate) struct Workers {
    stop: watch::Sender<bool>,
    outbox: Mutex<Option<JoinHandle<()>>>,
}

impl Workers {
    /// No worker runs; the application calls `run_due` itself.
    pub(crate) fn manual() -> Self {
        Self {
            stop: watch::channel(true).0,
            outbox: Mutex::default(),
        }
    }

    /// Starts the sweeper, and the outbox where messages go out. They hold the engine weakly: they never keep an authority
    /// alive.
    pub(crate) fn start<U: AuthUser>(engine: &Arc<Engine<U>>, every: Duration) -> Self {
        let (stop, stopped) = watch::channel(false);
        let outbox = engine
            .policy
            .recovery
            .delivers()
            .then(|| tokio::spawn(outbox::serve(Arc::downgrade(engine), stopped.clone())));
        tokio::spawn(sweeper(Arc::downgrade(engine), every, stopped));
        Self {
            stop,
            outbox: Mutex::new(outbox),
        }
    }

    /// Tells the workers to stop, and waits until the outbox has handed over what is due. False where no worker did.
    pub(crate) async fn stop(&self) -> bool {
        let _ = self.stop.send(true);
        let outbox = self
            .outbox
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match outbox {
            Some(worker) => worker.await.is_ok(),
            None => false,
        }
    }
}

async fn sweeper<U: AuthUser>(
    engine: Weak<Engine<U>>,
    every: Duration,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            _ = stopped.changed() => return, // told to stop, or the authority is gone
        }
        let Some(engine) = engine.upgrade() else {
            return;
        };
        match AssertUnwindSafe(turn(&engine, every)).catch_unwind().await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "sweeping failed; it is tried again at the next interval");
            }
            Err(_) => tracing::error!("sweeping panicked; it is tried again at the next interval"),
        }
    }
}

/// Sweeps, unless another authority on this database is at it or has just been.
///
/// A turn lasts nearly as long as the interval, so that a clock that is being slowed down does not find its own last turn
/// still going on, and sweep at every other interval. Whoever dies in the middle, or sees the database go, leaves the
/// rest to whose turn is next; so does who does not come to the end, for by then it may be somebody else's turn.
async fn turn<U: AuthUser>(engine: &Engine<U>, every: Duration) -> Result<()> {
    let turn = every.saturating_sub(every / 10);
    if engine.store.take_turn(engine.now(), turn).await? {
        sweep_for(engine, turn).await?;
    }
    Ok(())
}

/// Deletes what has expired, whoever's turn it is, and returns how many rows went.
pub(crate) async fn sweep<U: AuthUser>(engine: &Engine<U>) -> Result<u64> {
    sweep_for(engine, Duration::MAX).await
}

/// In batches, the last of which begins before `span` is over.
async fn sweep_for<U: AuthUser>(engine: &Engine<U>, span: Duration) -> Result<u64> {
    let begun = Instant::now();
    let mut total = 0;
    loop {
        let gone = engine.store.sweep(engine.now(), BATCH).await?;
        total += gone;
        if gone < u64::from(BATCH) || begun.elapsed() >= span {
            return Ok(total);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
