//! One writer at a time: SQLite lets one in, and has no queue for the others. They look again after ever longer pauses, and
//! whoever has just come looks first, so that under a crowd some find the lock taken until their patience ends.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Semaphore;

/// The queue of each database that this process writes to, for as long as somebody uses it.
static QUEUES: Mutex<Option<HashMap<PathBuf, Weak<Semaphore>>>> = Mutex::new(None);

/// The queue before the database in `file`: one, however many pools are open on it and whatever they call it.
pub(super) fn queue(file: &Path) -> Arc<Semaphore> {
    // A database in memory has a name of its own, and no file. Who finds another queue, because the file was not there yet,
    // still waits for SQLite's own lock.
    let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    // A panic cannot have left the map half-changed: each step is one call.
    let mut queues = QUEUES.lock().unwrap_or_else(PoisonError::into_inner);
    let queues = queues.get_or_insert_default();
    if let Some(queue) = queues.get(&file).and_then(Weak::upgrade) {
        return queue;
    }
    queues.retain(|_, queue| queue.strong_count() > 0);
    let queue = Arc::new(Semaphore::new(1));
    queues.insert(file, Arc::downgrade(&queue));
    queue
}
