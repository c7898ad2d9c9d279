//! The statements that really reach the database, as sqlx reports them.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    reason = "shared by test binaries that each use a part"
)]

use std::sync::Mutex;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::TestApp;

static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// One test at a time: the log is the process's.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

struct Listener;

#[derive(Default)]
struct Statement {
    summary: String,
    whole: String,
}

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.summary),
            "db.statement" => value.clone_into(&mut self.whole),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut statement = Statement::default();
        event.record(&mut statement);
        let whole = statement.whole.trim();
        let text = if whole.is_empty() {
            statement.summary.trim()
        } else {
            whole
        };
        SEEN.lock().unwrap().push(text.to_owned());
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The statements of one application over one connection, for as long as this value lives.
pub struct Log {
    _turn: tokio::sync::MutexGuard<'static, ()>,
}

impl Log {
    pub async fn open() -> Self {
        let turn = TURN.lock().await;
        let _ = tracing::subscriber::set_global_default(Listener);
        Self { _turn: turn }
    }

    /// What the database was asked during `work`, in order. `mark` asks it something harmless.
    pub async fn during<T, F: Future<Output = ()>>(
        &self,
        mark: impl Fn() -> F,
        work: impl Future<Output = T>,
    ) -> (T, Vec<String>) {
        settle(&mark).await;
        SEEN.lock().unwrap().clear();
        let done = work.await;
        let mark = settle(&mark).await;
        let mut seen = std::mem::take(&mut *SEEN.lock().unwrap());
        // sqlx logs the end of a transaction on PostgreSQL and not on SQLite.
        seen.retain(|statement| *statement != mark && statement != "COMMIT");
        (done, seen)
    }
}

/// On the only connection, whatever was asked before a statement of ours has been reported once it is.
async fn settle<F: Future<Output = ()>>(mark: &impl Fn() -> F) -> String {
    loop {
        let before = SEEN.lock().unwrap().len();
        mark().await;
        mark().await;
        let seen = SEEN.lock().unwrap();
        if let Some(mark) = seen.get(before..).and_then(<[String]>::last) {
            return mark.clone();
        }
    }
}

/// The usual application, and its statements.
pub struct Watched {
    pub app: TestApp,
    log: Log,
}

impl Watched {
    pub async fn start() -> Self {
        let log = Log::open().await;
        Self {
            app: TestApp::with_pool(1).await,
            log,
        }
    }

    /// What the database was asked during `work`, in order.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> (T, Vec<String>) {
        let mark = || async {
            self.app.auth.users().find(&-1).await.unwrap();
        };
        self.log.during(mark, work).await
    }
}
