//! The sweeper: one of all nodes at each interval, whatever happens to that one (SEC-057, SEC-157).

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use crudauth::__private::{IntoStore, Timestamp};
use crudauth::testing::TestBuilder;
use crudauth::{Dialect, auth};
use crudauth_runtime::store::Store;
use futures_util::future::join_all;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::SqlitePoolOptions;
use tokio::time::Instant;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::process::{Worker, say, task, told};
use crate::support::{self, Db, SECRET, TempDb, User, dialect};

auth! {
    #[database(sqlite, postgres)]
    #[session(sweep = "1s")]
    pub struct Swept<User>;
}

/// What a turn lasts, out of the second that an interval has.
const TURN: Duration = Duration::from_millis(900);

/// What the sweeper says in the log; and a worker process tells its parent of each sweep.
static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// One test at a time: the log is the process's.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

struct Log;

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if matches!(field.name(), "message" | "db.statement") {
            self.0 = format!("{value:?}");
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

impl Subscriber for Log {
    fn enabled(&self, about: &Metadata<'_>) -> bool {
        about.target() == "sqlx::query" || about.target().ends_with("::workers")
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        if event.metadata().target() != "sqlx::query" {
            LOG.lock().unwrap().push(text.0);
        } else if text.0.contains("DELETE FROM \"auth_limits\"") && task().is_some() {
            say("swept"); // the last of a sweep's statements
        }
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn worker() {
    let Some((_, _, url)) = task() else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut nodes = Vec::new();
        for _ in 0..5 {
            let pool = support::pool(&url, 1).await;
            let node = Swept::builder(pool).secret(SECRET).cheap_hashing();
            nodes.push(node.await.unwrap());
        }
        let _ = tracing::subscriber::set_global_default(Log);
        say("ready");
        told();
    });
}

#[tokio::test]
async fn sec_157_of_ten_nodes_in_two_processes_one_sweeps_at_each_interval() {
    let (file, _pool) = support::database(1).await;
    let (sender, sweeps) = mpsc::channel();
    let mut children = Vec::new();
    for number in 0..2 {
        let mut worker = Worker::start(worker, "sweep", &file, number);
        let sender = sender.clone();
        let id = worker.child.id();
        let (keep, kept) = mpsc::channel();
        std::thread::spawn(move || {
            while let Some(report) = worker.next_report() {
                if report == "swept" && sender.send(id).is_err() {
                    break;
                }
                if kept.try_recv().is_ok() {
                    worker.child.kill().unwrap();
                }
            }
            worker.child.kill().unwrap();
            worker.child.wait().unwrap();
        });
        children.push((id, keep));
    }
    let next = || {
        sweeps
            .recv_timeout(Duration::from_secs(20))
            .expect("nobody sweeps")
    };
    next(); // the others may have been before we were listening

    let begun = Instant::now();
    let mut last = 0;
    for _ in 0..4 {
        last = next();
    }
    assert!(begun.elapsed() > TURN * 3, "{:?}", begun.elapsed());

    // Whoever has the turn dies, and the other process goes on.
    let (_, kill) = children.iter().find(|(id, _)| *id == last).unwrap();
    kill.send(()).unwrap();
    let (mut others, deadline) = (0, Instant::now() + Duration::from_secs(20));
    while others < 2 {
        others += usize::from(next() != last);
        assert!(
            Instant::now() < deadline,
            "the other one does not take over"
        );
    }
}

fn store(pool: &Db) -> Arc<dyn Store<User>> {
    IntoStore::<Swept>::into_store(pool.clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_057_fifty_who_ask_for_the_turn_at_once_get_one() {
    let (file, pool) = support::database(5).await;
    store(&pool).migrate().await.unwrap();
    let other = store(&support::pool(&file.url(), 5).await);
    let stores = [store(&pool), other];
    for round in 1..=10 {
        let now = Timestamp::from_micros(round * 1_000_000);
        let asked = (0..50).map(|turn| {
            let store = Arc::clone(&stores[turn % 2]);
            tokio::spawn(async move { store.take_turn(now, TURN).await.unwrap() })
        });
        let got = join_all(asked).await;
        assert_eq!(got.iter().filter(|got| *got.as_ref().unwrap()).count(), 1);
    }
}

#[tokio::test]
async fn sec_057_clocks_that_differ_neither_stop_the_sweeping_nor_double_it() {
    let (_file, pool) = support::database(1).await;
    let store = store(&pool);
    store.migrate().await.unwrap();
    let at = |millis: i64| Timestamp::from_micros(1_700_000_000_000_000 + millis * 1000);
    for (when, taken) in [
        (0, true),
        (0, false),
        (899, false), // on whatever node
        (900, true),  // the next turn
        (1300, false),
        (500, false), // a node whose clock is behind by less than a turn
        (1800, true),
        (800, true), // a clock that is an hour ahead, or this one set back by a turn: nobody would sweep for an hour
        (3_600_000, true), // such a clock
        (1000, true),
        (1100, false),
    ] {
        let got = store.take_turn(at(when), TURN).await.unwrap();
        assert_eq!(got, taken, "at {when} ms");
    }
    // A node with a longer interval leaves it to those with a shorter one.
    assert!(!store.take_turn(at(1800), TURN * 900).await.unwrap());
    // The row is swept like any other, which loses nothing.
    assert_eq!(store.sweep(at(1899), 10).await.unwrap(), 0);
    assert_eq!(store.sweep(at(1900), 10).await.unwrap(), 1);
    assert!(store.take_turn(at(1900), TURN).await.unwrap());
}

/// An authority over a pool whose hook panics, while the number is odd, at every other connection that is taken: the one
/// for the turn is had, the one for the sweep is not.
async fn over_a_pool_that_panics(file: &TempDb, panics: &Arc<AtomicU32>) -> Swept {
    macro_rules! pool {
        ($options:ty) => {{
            let (idle, new) = (Arc::clone(panics), Arc::clone(panics));
            let hook = |panics: &AtomicU32| {
                let call = panics.fetch_add(2, Ordering::SeqCst);
                assert!(call % 4 != 3, "a hook of the application's pool");
            };
            <$options>::new()
                .max_connections(1)
                .before_acquire(move |_, _| {
                    let panics = Arc::clone(&idle);
                    Box::pin(async move {
                        hook(&panics);
                        Ok(true)
                    })
                })
                .after_connect(move |_, _| {
                    let panics = Arc::clone(&new);
                    Box::pin(async move {
                        hook(&panics);
                        Ok(())
                    })
                })
                .connect(&file.url())
                .await
                .unwrap()
        }};
    }
    let pool = match dialect() {
        Dialect::Sqlite => Db::Sqlite(pool!(SqlitePoolOptions)),
        _ => Db::Postgres(pool!(PgPoolOptions)),
    };
    let auth = Swept::builder(pool).secret(SECRET).cheap_hashing();
    auth.await.unwrap()
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what}: {:?}", LOG.lock().unwrap());
}

/// The sweeper has said so twice: at one interval, and at the next.
async fn twice(said: &str) {
    let times = async || {
        LOG.lock()
            .unwrap()
            .iter()
            .filter(|line| line.contains(said))
            .count()
            >= 2
    };
    until(said, times).await;
}

async fn leave_something_expired(db: &Db) {
    let row = "INSERT INTO auth_limits (id, window_start, hits, expires_at) VALUES ($1, 0, 1, 1)";
    db.query(row).bind(vec![0; 32]).execute().await;
}

async fn expired(db: &Db) -> i64 {
    db.count("SELECT count(*) FROM auth_limits WHERE window_start = 0")
        .await
}

#[tokio::test]
async fn sec_157_the_sweeper_survives_a_panic_in_the_middle_of_its_turn() {
    let _alone = ALONE.lock().await;
    let _ = tracing::subscriber::set_global_default(Log);
    LOG.lock().unwrap().clear();
    let (file, db) = support::database(1).await;
    let panics = Arc::new(AtomicU32::new(0));
    let _auth = over_a_pool_that_panics(&file, &panics).await;
    leave_something_expired(&db).await;

    panics.store(1, Ordering::SeqCst);
    twice("sweeping panicked").await;
    assert_eq!(expired(&db).await, 1);

    panics.store(0, Ordering::SeqCst);
    until("it goes on", async || expired(&db).await == 0).await;
}

/// Makes the database unreachable, and reachable again.
async fn lose(file: &TempDb, db: &Db, meanwhile: impl Future<Output = ()>) {
    if dialect() == Dialect::Sqlite {
        let mut held = db.seize().await;
        meanwhile.await;
        held.run("ROLLBACK").await;
        return;
    }
    let url = file.url();
    let (_, name) = url.rsplit_once('/').unwrap();
    let name = name.split('?').next().unwrap();
    let server = support::pool(&support::db::server(), 1).await;
    server
        .run(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
        .await;
    let cut = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'"
    );
    server.count(cut).await;
    meanwhile.await;
    server
        .run(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
        .await;
}

#[tokio::test]
async fn sec_157_the_sweeper_survives_the_loss_of_the_database() {
    let _alone = ALONE.lock().await;
    let _ = tracing::subscriber::set_global_default(Log);
    LOG.lock().unwrap().clear();
    let (file, pool) = support::database(2).await;
    let _auth = Swept::builder(pool)
        .secret(SECRET)
        .cheap_hashing()
        .await
        .unwrap();
    let db = support::pool(&file.url(), 1).await;
    leave_something_expired(&db).await;

    lose(&file, &db, twice("sweeping failed")).await;

    let db = support::pool(&file.url(), 1).await;
    until("it goes on", async || expired(&db).await == 0).await;
}
