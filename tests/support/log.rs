//! A subscriber that keeps all there is to log, for one test at a time.
#![allow(
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    reason = "shared by test binaries that each use a part"
)]

use std::fmt::Write as _;
use std::sync::{Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static LOG: Mutex<String> = Mutex::new(String::new());
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Keeps everything, of every level, from every crate.
struct Everything;

struct Writer<'a>(&'a mut String);

impl Visit for Writer<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

fn line(write: impl FnOnce(&mut Writer<'_>), metadata: Option<&Metadata<'_>>) {
    let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(metadata) = metadata {
        let _ = write!(
            log,
            "{} {} {}",
            metadata.level(),
            metadata.target(),
            metadata.name()
        );
    }
    write(&mut Writer(&mut log));
    log.push('\n');
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        line(|writer| span.record(writer), Some(span.metadata()));
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        line(|writer| values.record(writer), None);
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        line(|writer| event.record(writer), Some(event.metadata()));
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The log of this process, of one test at a time.
pub struct Kept {
    _turn: tokio::sync::MutexGuard<'static, ()>,
}

/// From here on, everything that this process logs is kept.
pub async fn keep() -> Kept {
    static SET: Once = Once::new();
    let turn = TURN.lock().await;
    SET.call_once(|| tracing::subscriber::set_global_default(Everything).unwrap());
    LOG.lock().unwrap_or_else(PoisonError::into_inner).clear();
    Kept { _turn: turn }
}

impl Kept {
    /// All of it, so far.
    #[expect(clippy::unused_self, reason = "who reads has the turn")]
    pub fn text(&self) -> String {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
