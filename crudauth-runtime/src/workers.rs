//! Background work, supervised: it survives panics and a database that goes away, and ends with the last `Auth`.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;

use crate::account::AuthUser;
use crate::engine::Engine;
use crate::error::Result;

/// Most rows that one statement of the sweeper deletes.
const BATCH: u32 = 1000;
/// Between two batches, so that writers get their turn.
const PAUSE: Duration = Duration::from_millis(50);

/// A handle on the workers of one authority. They stop when it is dropped.
#[derive(Debug)]
pub(crate) struct Workers {
    stop: watch::Sender<bool>,
}

impl Workers {
    /// No worker runs; the application calls `run_due` itself.
    pub(crate) fn manual() -> Self {
        Self {
            stop: watch::channel(true).0,
        }
    }

    /// Starts the sweeper. It holds the engine weakly: it never keeps an authority alive.
    pub(crate) fn start<U: AuthUser>(engine: &Arc<Engine<U>>, every: Duration) -> Self {
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(sweeper(Arc::downgrade(engine), every, stopped));
        Self { stop }
    }

    /// Tells the workers to stop.
    pub(crate) fn stop(&self) {
        let _ = self.stop.send(true);
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
        match AssertUnwindSafe(sweep(&engine)).catch_unwind().await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "sweeping failed; it is tried again at the next interval");
            }
            Err(_) => tracing::error!("sweeping panicked; it is tried again at the next interval"),
        }
    }
}

/// Deletes what has expired, in batches, and returns how many rows went.
pub(crate) async fn sweep<U: AuthUser>(engine: &Engine<U>) -> Result<u64> {
    let mut total = 0;
    loop {
        let gone = engine.store.sweep(engine.now(), BATCH).await?;
        total += gone;
        if gone < u64::from(BATCH) {
            return Ok(total);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
