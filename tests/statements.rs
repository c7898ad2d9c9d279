//! What each request costs the database, counted by sqlx's own log, and what the pool has to give.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod support;

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use crudauth::testing::{Clock, TestBuilder, hashes_done, hashing};
use futures_util::future::join_all;
use serde_json::json;
use support::{Auth, Client, Db, PASSWORD, SECRET, TempDb, TestApp, fresh_address};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Every statement that any connection of this process has run.
static STATEMENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// One test at a time: the log is the process's.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

struct Log;

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        match field.name() {
            "summary" => self
                .0
                .insert_str(0, format!("{value:?} ").trim_matches('"')),
            "db.statement" => {
                let _ = write!(self.0, "{value:?}");
            }
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => self.0.insert_str(0, value),
            "db.statement" => self.0.push_str(value),
            _ => {}
        }
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        STATEMENTS
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(text.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// An application on a pool of one, which the test shares.
struct Counted {
    _auth: Auth,
    clock: Clock,
    pool: Db,
    router: axum::Router,
    _file: TempDb,
    _turn: tokio::sync::MutexGuard<'static, ()>,
}

impl Counted {
    async fn start() -> Self {
        let turn = TURN.lock().await;
        let _ = tracing::subscriber::set_global_default(Log);
        let (file, pool) = support::database(1).await;
        let clock = Clock::manual();
        let builder = Auth::builder(pool.clone())
            .secret(SECRET)
            .clock(clock.clone());
        let auth = builder.cheap_hashing().manual_workers().await.unwrap();
        let router = support::routes(&auth);
        Self {
            _auth: auth,
            clock,
            pool,
            router,
            _file: file,
            _turn: turn,
        }
    }

    fn client(&self) -> Client {
        Client::new(self.router.clone()).from(&fresh_address())
    }

    async fn register(&self, name: &str) {
        let body = json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD });
        assert_eq!(
            self.client().post_json("/register", &body).await.status,
            200
        );
    }

    async fn signed_in(&self, name: &str) -> Client {
        let mut client = self.client();
        assert_eq!(client.login(name, PASSWORD).await.status, 200);
        client
    }

    /// What has been run since the last call. The connection's own thread logs after it has answered; a statement of
    /// the test's on the same connection comes after all of that.
    async fn taken(&self) -> Vec<String> {
        for _ in 0..2 {
            self.pool.run("SELECT 'marker'").await;
        }
        let mut log = STATEMENTS.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *log)
            .into_iter()
            // sqlx logs the end of a transaction on PostgreSQL and not on SQLite; the budget is of statements.
            .filter(|text| !text.contains("marker") && !text.contains("COMMIT"))
            .collect()
    }
}

fn writes(statements: &[String]) -> usize {
    statements
        .iter()
        .filter(|text| !text.trim_start_matches('"').starts_with("SELECT"))
        .count()
}

#[tokio::test]
async fn a_guarded_request_is_one_statement_and_no_write_within_a_minute() {
    let app = Counted::start().await;
    app.register("ada").await;
    let user = app.signed_in("ada").await;
    app.taken().await;

    for path in ["/me", "/dashboard", "/billing", "/admin", "/maybe"] {
        user.get(path).await;
        let run = app.taken().await;
        assert_eq!((run.len(), writes(&run)), (1, 0), "{path}: {run:?}");
    }
    user.post("/dashboard").await;
    let run = app.taken().await;
    assert_eq!(
        (run.len(), writes(&run)),
        (1, 0),
        "the CSRF token is in the same row: {run:?}"
    );
}

#[tokio::test]
async fn recording_use_is_one_write_more_when_a_minute_has_passed() {
    let app = Counted::start().await;
    app.register("ada").await;
    let user = app.signed_in("ada").await;
    app.clock.advance(std::time::Duration::from_millis(59_999));
    app.taken().await;
    user.get("/me").await;
    assert_eq!(app.taken().await.len(), 1);

    app.clock.advance(std::time::Duration::from_millis(1));
    user.get("/me").await;
    let at_the_minute = app.taken().await;
    user.get("/me").await;
    let after = app.taken().await;

    assert_eq!(
        (at_the_minute.len(), writes(&at_the_minute)),
        (2, 1),
        "{at_the_minute:?}"
    );
    assert_eq!((after.len(), writes(&after)), (1, 0), "{after:?}");
}

#[tokio::test]
async fn a_request_without_a_credential_asks_nothing() {
    let app = Counted::start().await;
    let mut stranger = app.client();
    app.taken().await;
    for cookie in [
        None,
        Some(""),
        Some("short"),
        Some("x".repeat(43).replace('x', "!").as_str()),
        Some(&"y".repeat(4000)),
    ] {
        stranger.cookies.clear();
        if let Some(cookie) = cookie {
            stranger
                .cookies
                .insert("session_id".to_owned(), cookie.to_owned());
        }
        assert_eq!(stranger.get("/dashboard").await.status, 401);
        assert_eq!(stranger.get("/maybe").await.status, 200);
    }
    assert_eq!(app.taken().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_sign_in_is_at_most_five_statements() {
    let app = Counted::start().await;
    app.register("ada").await;
    app.taken().await;
    let mut client = app.client();

    for round in ["the first", "with a device and a session to end"] {
        assert_eq!(client.login("ada@example.com", PASSWORD).await.status, 200);
        let run = app.taken().await;
        assert!(run.len() <= 5, "{round}: {run:#?}");
        assert!(run.len() >= 4, "the log must be seen: {run:#?}");
    }
    client
        .clone()
        .from(&fresh_address())
        .login("ada", "wrong password")
        .await;
    let run = app.taken().await;
    assert!(run.len() <= 5, "a refused one: {run:#?}");
    app.client().login("nobody", "wrong password").await;
    let unknown = app.taken().await;
    assert_eq!(
        unknown.len(),
        run.len(),
        "known and unknown cost the database the same"
    );
}

#[tokio::test]
async fn the_other_flows_keep_to_their_statements() {
    let app = Counted::start().await;
    app.taken().await;
    app.register("ada").await;
    let run = app.taken().await;
    assert!(
        run.len() <= 5,
        "sign-up: limit, two look-ups, two inserts: {run:#?}"
    );
    let mut user = app.signed_in("ada").await;
    app.taken().await;

    let body = json!({ "current_password": PASSWORD, "new_password": "another good password" });
    assert_eq!(user.post_json("/change-password", &body).await.status, 200);
    let run = app.taken().await;
    assert!(
        run.len() <= 9,
        "change: session, limit, run twice, five of the change: {run:#?}"
    );
    user.cookies.remove("csrf_token");
    let answer = user.post("/csrf/refresh").await;
    user.keep(&answer);
    let run = app.taken().await;
    assert!(run.len() <= 3, "refresh: limit, session, token: {run:#?}");
    user.get("/sessions").await;
    let run = app.taken().await;
    assert_eq!(run.len(), 2, "list: session, list: {run:#?}");
    assert_eq!(user.post("/logout").await.status, 200);
    let run = app.taken().await;
    assert_eq!(
        run.len(),
        3,
        "sign-out: session, its end and its elevation's: {run:#?}"
    );
}

#[tokio::test]
async fn sec_151_every_flow_completes_on_a_pool_of_one() {
    let _turn = TURN.lock().await;
    let app = TestApp::with_pool(1).await;
    let flows = join_all((0..50).map(|turn| {
        let app = &app;
        async move {
            let name = format!("user{turn}");
            app.register(&name).await;
            let (mut one, mut two) = (
                app.client().from(&fresh_address()),
                app.client().from(&fresh_address()),
            );
            assert_eq!(one.login(&name, PASSWORD).await.status, 200);
            assert_eq!(two.login(&name, PASSWORD).await.status, 200);
            assert_eq!(one.get("/me").await.status, 200);
            let listed = one.get("/sessions").await.json();
            let other = listed
                .as_array()
                .unwrap()
                .iter()
                .find(|row| row["current"] == false)
                .unwrap()["id"]
                .clone();
            assert_eq!(
                one.delete(&format!("/sessions/{}", other.as_str().unwrap()))
                    .await
                    .status,
                200
            );
            one.cookies.remove("csrf_token");
            let refreshed = one.post("/csrf/refresh").await;
            one.keep(&refreshed);
            let body =
                json!({ "current_password": PASSWORD, "new_password": "another good password" });
            assert_eq!(one.post_json("/change-password", &body).await.status, 200);
            let body = json!({ "new_password": "yet another password" });
            assert_eq!(one.post_json("/set-password", &body).await.status, 400);
            assert_eq!(two.login(&name, "another good password").await.status, 200);
            assert_eq!(two.post("/logout").await.status, 200);
            assert_eq!(one.post("/logout-all").await.status, 200);
        }
    }));
    tokio::time::timeout(std::time::Duration::from_secs(30), flows)
        .await
        .expect("a flow waits for itself");
    assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_151_200_sign_ins_on_a_pool_of_two_neither_block_nor_fail() {
    let _turn = TURN.lock().await;
    let app = TestApp::with_pool(2).await;
    for user in 0..40 {
        app.register(&format!("user{user}")).await;
    }
    let pinger = app.signed_in("user0").await;
    let mut logins = tokio::task::JoinSet::new();
    for turn in 0..200 {
        let mut client = app.client().from(&fresh_address());
        logins.spawn(async move {
            client
                .login(&format!("user{}", turn % 40), PASSWORD)
                .await
                .status
                .as_u16()
        });
    }
    let mut pings = 0;
    while !logins.is_empty() {
        assert_eq!(pinger.get("/maybe").await.status, 200);
        pings += 1;
        if let Some(done) = logins.try_join_next() {
            assert!([200, 503].contains(&done.unwrap()));
        }
    }
    assert!(pings >= 200);
    assert_eq!(
        app.count("SELECT CAST(COALESCE(sum(pending), 0) AS BIGINT) FROM auth_attempts")
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_151_no_connection_is_held_while_a_password_is_hashed() {
    let _turn = TURN.lock().await;
    let (_file, pool) = support::database(2).await;
    let auth = Auth::builder(pool.clone())
        .secret(SECRET)
        .manual_workers()
        .await
        .unwrap(); // real argon2
    let router = support::routes(&auth);
    let register = json!({ "email": "ada@example.com", "username": "ada", "password": PASSWORD });
    let change = json!({ "current_password": PASSWORD, "new_password": "another good password" });
    let watched = async |flow: std::pin::Pin<Box<dyn Future<Output = Client> + Send>>| {
        let flow = tokio::spawn(flow);
        let mut samples = 0;
        while !flow.is_finished() {
            let (begun, running) = (hashes_done(&auth), hashing(&auth).0);
            let idle = pool.is_idle();
            // The same hash runs before and after the look at the pool. That one look finds a connection on its way
            // back proves nothing; a connection that is held would be missing at every look.
            let same = hashing(&auth).0 == 1 && hashes_done(&auth) == begun;
            samples += usize::from(idle && same && running == 1 && begun > 0);
            tokio::task::yield_now().await;
        }
        assert!(samples > 20, "the pool was whole at {samples} looks only");
        flow.await.unwrap()
    };

    let client = Client::new(router.clone());
    watched(Box::pin(async move {
        assert_eq!(client.post_json("/register", &register).await.status, 200);
        client
    }))
    .await;
    let mut client = Client::new(router.clone());
    let client = watched(Box::pin(async move {
        assert_eq!(client.login("ada", PASSWORD).await.status, 200);
        client
    }))
    .await;
    watched(Box::pin(async move {
        assert_eq!(
            client.post_json("/change-password", &change).await.status,
            200
        );
        client
    }))
    .await;
}
