//! What this thread logs, for as long as the value lives.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    reason = "shared by test binaries that each use a part"
)]

use std::cell::RefCell;
use std::fmt::Write as _;
use std::marker::PhantomData;
use std::sync::Once;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

thread_local! {
    /// What this thread has logged, if it keeps that.
    static LINES: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// The subscriber of the whole process. One for each thread would lose what another thread logs first: `tracing` asks the
/// subscriber of that thread alone whether anybody wants it, and keeps the answer.
struct Keeper;

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("crudauth")
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        LINES.with_borrow_mut(|lines| {
            if let Some(lines) = lines {
                let mut line = Line(event.metadata().level().to_string());
                event.record(&mut line);
                lines.push(line.0);
            }
        });
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Lines of crudauth's, each with its level and its fields.
pub struct Log {
    /// It stays on its thread.
    _here: PhantomData<*const ()>,
}

impl Log {
    pub fn start() -> Self {
        static SET: Once = Once::new();
        SET.call_once(|| tracing::subscriber::set_global_default(Keeper).unwrap());
        LINES.set(Some(Vec::new()));
        Self { _here: PhantomData }
    }

    /// The lines of this level since the last call.
    #[expect(
        clippy::unused_self,
        reason = "the lines are this thread's while there is one"
    )]
    pub fn take(&self, level: &str) -> Vec<String> {
        let mut lines = LINES.replace(Some(Vec::new())).unwrap();
        lines.retain(|line| line.starts_with(level));
        lines
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        LINES.set(None);
    }
}
