//! PostgreSQL that is away, throws everybody out, or lets nobody at its tables (SEC-147, SEC-148).

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::outage::{
    Cast, End, Outage, PATIENCE, PoolOf, assert_unavailable, on_either_pool, recovers,
};
use crate::proxy::Line;
use crate::support::{PASSWORD, fresh_address};

#[tokio::test]
async fn sec_147_a_stopped_server_is_503_in_two_seconds_and_signs_nobody_out() {
    on_either_pool(async |whose| {
        let Outage { app, proxy, .. } = &Outage::over(whose).await;
        let cast = Cast::of(app).await;
        cast.is_signed_in().await;

        proxy.set(Line::Down);
        for _ in 0..2 {
            for told in cast.every_request(app).await {
                told.is_unavailable();
            }
        }
        proxy.set(Line::Up);

        recovers("everybody", async || cast.signed_in().await.len() == 10).await;
        for told in cast.every_request(app).await {
            told.is_done();
        }
    })
    .await;
}

/// An administrator, or the server itself, ends every connection: `57P01`, in the middle of whatever it does.
#[tokio::test]
async fn sec_147_connections_that_the_server_ends_are_replaced() {
    on_either_pool(async |whose| {
        let Outage { app, .. } = &Outage::over(whose).await;
        let cast = Cast::of(app).await;
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        let deadline = Instant::now() + Duration::from_secs(2);
        let killing = async {
            let mut killer = app.db.acquire().await;
            while Instant::now() < deadline {
                killer.run(end).await;
            }
        };
        let asking = async {
            while Instant::now() < deadline {
                let reader = cast.member("reader");
                let mut login = app.client().from(&fresh_address());
                for answer in [
                    reader.get("/me").await,
                    reader.post("/dashboard").await,
                    login.login("writer", PASSWORD).await,
                ] {
                    if answer.status != 200 {
                        assert_unavailable("request", &answer);
                    }
                }
            }
        };
        tokio::join!(killing, asking);

        recovers("everybody", async || cast.signed_in().await.len() == 10).await;
        for told in cast.every_request(app).await {
            told.is_done();
        }
    })
    .await;
}

/// Whoever changes a large table locks it for minutes, from readers too.
#[tokio::test]
async fn sec_148_a_locked_table_is_503_in_two_seconds_and_no_crowd_gathers_before_it() {
    let Outage { app, .. } = &Outage::over(PoolOf::TheAuthority).await;
    let cast = Cast::of(app).await;
    let mut thief = app.db.acquire().await;
    thief.run("BEGIN; LOCK TABLE auth_sessions").await;

    let begun = Instant::now();
    let mut most = 0;
    while begun.elapsed() < Duration::from_secs(8) {
        let crowd = (0..30).map(async |_| {
            let asked = Instant::now();
            assert_unavailable("me", &cast.member("reader").get("/me").await);
            assert!(asked.elapsed() < PATIENCE, "{:?}", asked.elapsed());
        });
        join_all(crowd).await;
        let backends = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()";
        most = most.max(app.count(backends).await);
    }
    thief.run("ROLLBACK").await;

    // A pool of ten, two of the test's own, and those that the server has not missed yet.
    assert!(most < 25, "{most} connections to the server");
    recovers("everybody", async || cast.signed_in().await.len() == 10).await;
}

#[tokio::test]
async fn sec_148_each_table_may_be_locked() {
    let tables = [
        "users",
        "auth_sessions",
        "auth_attempts",
        "auth_limits",
        "auth_usernames",
        "auth_refresh_tokens",
        "auth_elevations",
    ];
    // One after the other: a hundred requests at once would measure this thread.
    for table in tables {
        let Outage { app, .. } = &Outage::over(PoolOf::TheApplication).await;
        let cast = Cast::of(app).await;
        let mut thief = app.db.acquire().await;
        thief.run(format!("BEGIN; LOCK TABLE {table}")).await;
        let mut refused = 0;
        for told in cast.every_request(app).await {
            // What does not need that table is done; what needs it says so.
            match &told.end {
                End::Answer(answer) if answer.status != 503 => told.is_done(),
                End::Handle(Ok(())) => {}
                _ => {
                    told.is_unavailable();
                    refused += 1;
                }
            }
        }
        thief.run("ROLLBACK").await;
        assert!(refused > 0, "nothing needs {table}");
        let reader = cast.member("reader");
        recovers(table, async || reader.get("/me").await.status == 200).await;
    }
}

/// What the database's administrator may have set for everybody, against the fault that it is made for.
#[tokio::test]
async fn sec_148_limits_of_the_database_itself_are_503() {
    let limits = ["statement_timeout", "lock_timeout"];
    join_all(limits.map(async |limit| {
        let Outage { app, proxy, .. } = &Outage::over(PoolOf::TheApplication).await;
        let cast = Cast::of(app).await;
        let name: String = app
            .db
            .query("SELECT current_database()::text")
            .scalar()
            .await;
        app.db
            .run(format!("ALTER DATABASE {name} SET {limit} = '50ms'"))
            .await;
        proxy.hang_up().await; // the setting is for connections to come
        let mut thief = app.db.acquire().await;
        thief.run("BEGIN; LOCK TABLE auth_sessions").await;

        let asked = Instant::now();
        let mut client = app.client().from(&fresh_address());
        assert_unavailable(limit, &client.login("reader", PASSWORD).await);
        assert!(
            asked.elapsed() < Duration::from_secs(1),
            "{limit}: {:?}",
            asked.elapsed()
        );
        thief.run("ROLLBACK").await;

        recovers(limit, async || {
            client.login("reader", PASSWORD).await.status == 200
        })
        .await;
        cast.is_signed_in().await;
    }))
    .await;
}

/// The line is lost in the middle of a transaction, and the server does not hear of it: what that transaction has locked
/// is free again in time.
#[tokio::test]
async fn sec_147_what_a_lost_connection_has_locked_is_free_again() {
    on_either_pool(async |whose| {
        let Outage { app, proxy, .. } = &Outage::over(whose).await;
        app.register("ada").await;
        let mut thief = app.db.acquire().await;
        thief.run("BEGIN; LOCK TABLE auth_sessions").await;
        let mut client = app.client();
        let signing_in = async { client.login("ada", PASSWORD).await };
        let losing = async {
            // The sign-in has settled its counters, and waits to open the session.
            let waiting = "SELECT count(*) FROM pg_stat_activity
                           WHERE datname = current_database() AND wait_event_type = 'Lock'";
            while app.count(waiting).await == 0 {}
            proxy.set(Line::Lost);
            thief.run("ROLLBACK").await;
        };
        let (answer, ()) = tokio::join!(signing_in, losing);
        assert_unavailable("login", &answer);
        proxy.set(Line::Up);

        let mut again = app.client();
        recovers("ada", async || {
            again.login("ada", PASSWORD).await.status == 200
        })
        .await;
    })
    .await;
}
