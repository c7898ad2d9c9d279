//! A database that is locked, read-only or broken, a clock that jumps, a random source that fails.

use std::time::{Duration, Instant};

use crudauth::auth;
use crudauth::testing::TestBuilder;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{self, Answer, Auth, Client, PASSWORD, SECRET, TestApp, User, fresh_address};

auth! {
    #[database(sqlite, postgres)]
    #[session(sweep = "1s")]
    pub struct Swept<User>;
}

fn sign_up(name: &str) -> Value {
    json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD })
}

fn change(from: &str, to: &str) -> Value {
    json!({ "current_password": from, "new_password": to })
}

/// A request under way, and what it is called.
type Flow<'a> = std::pin::Pin<Box<dyn Future<Output = (&'static str, Answer)> + 'a>>;

/// Every flow that writes, all at once, each from a browser of its own.
async fn every_write(app: &TestApp, users: &[Client]) -> Vec<(&'static str, Answer)> {
    let [one, two, three, four, ..] = users else {
        panic!("four browsers")
    };
    let mut fresh = app.client().from(&fresh_address());
    let mut wrong = app.client().from(&fresh_address());
    let mut unknown = app.client().from(&fresh_address());
    let mut lost = four.clone().from(&fresh_address());
    lost.cookies.remove("csrf_token");
    let register = app.client().from(&fresh_address());
    let (new, changed) = (
        sign_up("newcomer"),
        change(PASSWORD, "another good password"),
    );
    let flows: Vec<Flow<'_>> = vec![
        Box::pin(async { ("register", register.post_json("/register", &new).await) }),
        Box::pin(async { ("login", fresh.login("ada", PASSWORD).await) }),
        Box::pin(async { ("wrong login", wrong.login("ada", "wrong password").await) }),
        Box::pin(async {
            (
                "unknown login",
                unknown.login("nobody", "wrong password").await,
            )
        }),
        Box::pin(async { ("logout", one.post("/logout").await) }),
        Box::pin(async { ("change", two.post_json("/change-password", &changed).await) }),
        Box::pin(async { ("logout-all", three.post("/logout-all").await) }),
        Box::pin(async { ("refresh", lost.post("/csrf/refresh").await) }),
    ];
    join_all(flows).await
}

async fn four_users(app: &TestApp) -> Vec<Client> {
    let mut users = Vec::new();
    for name in ["ada", "bob", "cyd", "dan"] {
        app.register(name).await;
        users.push(app.signed_in(name).await);
    }
    users
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "measures how long a client waits"
)]
async fn sec_147_a_locked_database_is_503_in_two_seconds_and_signs_nobody_out() {
    let app = TestApp::with_pool(10).await;
    let users = four_users(&app).await;
    let mut thief = app.db.seize().await;

    let begun = Instant::now();
    for (flow, answer) in every_write(&app, &users).await {
        assert_eq!(answer.status, 503, "{flow}: {}", answer.text);
        assert!(answer.header("retry-after").is_some(), "{flow}");
        assert_eq!(
            answer.json()["code"],
            "unavailable",
            "{flow}: {}",
            answer.text
        );
        assert!(answer.set_cookies().is_empty(), "{flow}");
    }
    let waited = begun.elapsed();
    for user in &users {
        assert_eq!(
            user.get("/me").await.status,
            200,
            "reading goes on, and nobody is signed out"
        );
    }
    thief.run("ROLLBACK").await;
    drop(thief);

    assert!(waited < Duration::from_millis(2300), "{waited:?}");
    for (flow, answer) in every_write(&app, &users).await {
        let expected = if flow.ends_with(" login") { 401 } else { 200 };
        assert_eq!(
            answer.status, expected,
            "{flow} recovers by itself: {}",
            answer.text
        );
    }
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "measures how long a client waits"
)]
async fn sec_147_a_crowd_at_a_locked_database_does_not_wait_longer() {
    let app = TestApp::with_pool(3).await;
    app.register("ada").await;
    let mut thief = app.db.seize().await;

    let begun = Instant::now();
    let answers = join_all((0..60).map(|_| async {
        app.client()
            .from(&fresh_address())
            .login("ada", PASSWORD)
            .await
            .status
            .as_u16()
    }))
    .await;

    assert_eq!(answers, [503; 60]);
    assert!(
        begun.elapsed() < Duration::from_millis(2500),
        "{:?}",
        begun.elapsed()
    );
    thief.run("ROLLBACK").await;
    let recovered = tokio::time::timeout(Duration::from_secs(30), async {
        while app
            .client()
            .from(&fresh_address())
            .login("ada", PASSWORD)
            .await
            .status
            != 200
        {}
    });
    recovered.await.expect("it recovers by itself");
}

#[tokio::test]
async fn sec_041_guesses_during_an_outage_are_not_let_through() {
    let app = TestApp::with_pool(10).await;
    app.register("ada").await;
    for _ in 0..3 {
        app.client().login("ada", "wrong password").await;
    }
    let mut thief = app.db.seize().await;
    let before = crudauth::testing::hashes_done(&app.auth);

    let answers =
        join_all((0..8).map(|_| async { app.client().login("ada", "wrong password").await })).await;

    assert!(answers.iter().all(|answer| answer.status == 503));
    assert_eq!(
        crudauth::testing::hashes_done(&app.auth),
        before,
        "no password is looked at uncounted"
    );
    thief.run("ROLLBACK").await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(
            app.client()
                .login("ada", "wrong password")
                .await
                .status
                .as_u16(),
        );
    }
    assert_eq!(seen, [401, 401, 429], "the budget is what it was");
}

#[tokio::test]
async fn sec_147_a_read_only_database_is_503() {
    let (_file, pool) = support::database(1).await;
    let auth = Auth::builder(pool.clone())
        .secret(SECRET)
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    let client = Client::new(support::routes(&auth));
    assert_eq!(
        client.post_json("/register", &sign_up("ada")).await.status,
        200
    );
    pool.run(support::sql(
        "PRAGMA query_only = ON",
        "SET default_transaction_read_only = on",
    ))
    .await;

    let login = client.clone().login("ada", PASSWORD).await;
    let register = client.post_json("/register", &sign_up("bob")).await;

    for answer in [login, register] {
        assert_eq!(
            (
                answer.status.as_u16(),
                answer.header("retry-after").is_some()
            ),
            (503, true),
            "{}",
            answer.text
        );
    }
    pool.run(support::sql(
        "PRAGMA query_only = OFF",
        "SET default_transaction_read_only = off",
    ))
    .await;
    assert_eq!(client.clone().login("ada", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_135_a_missing_table_is_a_500_that_tells_nothing_and_lets_nobody_in() {
    for table in ["auth_attempts", "auth_sessions", "users"] {
        let app = TestApp::start().await;
        app.register("ada").await;
        let user = app.signed_in("ada").await;
        let rename = format!("ALTER TABLE {table} RENAME TO elsewhere");
        app.db.run(rename).await;

        let login = app
            .client()
            .from(&fresh_address())
            .login("ada", PASSWORD)
            .await;
        let me = user.get("/me").await;

        assert!(
            login.status == 500 || login.status == 503,
            "{table}: {}",
            login.status
        );
        assert!(login.set_cookies().is_empty());
        for answer in [&login, &me] {
            assert_ne!(answer.status, 401, "{table}");
            for told in [
                "table", "auth_", "users", "SELECT", "INSERT", "sqlite", "SQL",
            ] {
                assert!(!answer.text.contains(told), "{table}: {}", answer.text);
            }
        }
        let back = format!("ALTER TABLE elsewhere RENAME TO {table}");
        app.db.run(back).await;
        assert_eq!(user.get("/me").await.status, 200, "{table}");
        assert_eq!(
            app.client()
                .from(&fresh_address())
                .login("ada", PASSWORD)
                .await
                .status,
            200,
            "{table}"
        );
    }
}

#[tokio::test]
async fn sec_140_without_randomness_nothing_is_issued() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let user = app.signed_in("ada").await;
    let pool = support::pool(&app.file.url(), 2).await;
    let builder = Auth::builder(pool).secret(SECRET).clock(app.clock.clone());
    let dry = builder
        .cheap_hashing()
        .manual_workers()
        .failing_random()
        .await
        .unwrap();
    let router = support::routes(&dry);
    let mut here = Client::new(router);
    here.cookies = user.cookies.clone();
    here.csrf.clone_from(&user.csrf);
    let mut lost = here.clone();
    lost.cookies.remove("csrf_token");
    let sessions = app.count("SELECT count(*) FROM auth_sessions").await;

    let answers = [
        here.post_json("/register", &sign_up("bob")).await,
        here.clone().login("ada", PASSWORD).await,
        here.post_json(
            "/change-password",
            &change(PASSWORD, "another good password"),
        )
        .await,
        lost.post("/csrf/refresh").await,
    ];

    for answer in &answers {
        assert_eq!(answer.status, 503, "{}", answer.text);
        assert!(answer.set_cookies().is_empty());
    }
    assert_eq!(
        here.get("/me").await.status,
        200,
        "what was issued still works"
    );
    assert_eq!(app.count("SELECT count(*) FROM users").await, 1);
    assert_eq!(
        app.count("SELECT count(*) FROM auth_sessions").await,
        sessions
    );
    assert_eq!(
        app.count(
            "SELECT CAST(COALESCE(sum(pending), 0) AS BIGINT) FROM auth_attempts WHERE failures > 0"
        )
        .await,
        0
    );
    assert_eq!(
        app.signed_in("ada").await.get("/me").await.status,
        200,
        "the old password"
    );
}

#[tokio::test]
async fn sec_157_the_sweeper_survives_a_broken_table_and_ends_with_the_last_authority() {
    let (file, pool) = support::database(2).await;
    let alive = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let db = support::pool(&file.url(), 1).await;
    let auth = Swept::builder(pool.clone())
        .secret(SECRET)
        .cheap_hashing()
        .await
        .unwrap();
    let expired =
        "INSERT INTO auth_limits (id, window_start, hits, expires_at) VALUES ($1, 0, 1, 1)";
    let rows = async || -> i64 {
        db.query("SELECT count(*) FROM auth_limits WHERE window_start = 0")
            .scalar()
            .await
    };
    db.run("ALTER TABLE auth_sessions RENAME TO elsewhere")
        .await;
    db.query(expired).bind(vec![0]).execute().await;
    tokio::time::sleep(Duration::from_millis(2500)).await; // real intervals of the worker: two sweeps fail
    assert_eq!(rows().await, 1);

    db.run("ALTER TABLE elsewhere RENAME TO auth_sessions")
        .await;
    let swept = tokio::time::timeout(Duration::from_secs(30), async {
        while rows().await > 0 {
            tokio::task::yield_now().await;
        }
    });
    swept.await.expect("the sweeper works again by itself");

    let running = alive();
    drop(auth);
    let ended = tokio::time::timeout(Duration::from_secs(30), async {
        while alive() >= running {
            tokio::task::yield_now().await;
        }
    });
    ended.await.expect("the sweeper ends with the authority");
}
