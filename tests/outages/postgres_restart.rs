//! A server of PostgreSQL that is stopped and started again under load (SEC-147).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sqlx::{AssertSqlSafe, PgPool};
use tokio::time::Instant;

use crate::outage::{Cast, PATIENCE, PoolOf, application, assert_unavailable, recovers};
use crate::server::{Server, Stop};
use crate::support::{PASSWORD, TempDb, TestApp, fresh_address};

/// What users do all day, until they are told to stop.
#[derive(Debug, Default)]
struct Load {
    stop: AtomicBool,
    served: AtomicUsize,
    refused: AtomicUsize,
}

impl Load {
    async fn run(&self, app: &TestApp, cast: &Cast) {
        while !self.stop.load(Ordering::Relaxed) {
            let mut visitor = app.client().from(&fresh_address());
            let asked = Instant::now();
            let (reading, writing, listing, signing_in) = tokio::join!(
                cast.member("reader").get("/me"),
                cast.member("writer").post("/dashboard"),
                cast.member("lister").get("/sessions"),
                visitor.login("owner", PASSWORD),
            );
            assert!(asked.elapsed() < PATIENCE, "{:?}", asked.elapsed());
            for answer in [reading, writing, listing, signing_in] {
                if answer.status == 200 {
                    self.served.fetch_add(1, Ordering::Relaxed);
                } else {
                    assert_unavailable("under load", &answer);
                    self.refused.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    /// Until that many more have been served or refused.
    async fn goes_on(count: &AtomicUsize, more: usize) {
        let then = count.load(Ordering::Relaxed) + more;
        while count.load(Ordering::Relaxed) < then {
            tokio::task::yield_now().await;
        }
    }
}

async fn on(server: &Arc<Server>, work: impl FnOnce(&Server) + Send + 'static) {
    let server = Arc::clone(server);
    let done = tokio::task::spawn_blocking(move || work(&server));
    done.await.unwrap();
}

/// A database of that server, and the application on it.
async fn start(server: &Server, whose: PoolOf) -> TestApp {
    let name = match whose {
        PoolOf::TheApplication => "application",
        PoolOf::TheAuthority => "authority",
    };
    let maintenance = PgPool::connect(&server.url()).await.unwrap();
    let create = AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"));
    sqlx::raw_sql(create).execute(&maintenance).await.unwrap();
    let url = format!("{}{name}", server.url().trim_end_matches("postgres"));
    let own = match whose {
        PoolOf::TheApplication => Some(PgPool::connect(&url).await.unwrap()),
        PoolOf::TheAuthority => None,
    };
    application(url.clone(), TempDb::sqlite(), &url, own).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_147_a_restart_under_load_signs_nobody_out_and_is_over_by_itself() {
    let server = tokio::task::spawn_blocking(Server::start_new).await;
    let server = Arc::new(server.unwrap());
    let (one, other) = tokio::join!(
        start(&server, PoolOf::TheApplication),
        start(&server, PoolOf::TheAuthority),
    );
    let casts = tokio::join!(Cast::of(&one), Cast::of(&other));
    let apps = [(&one, &casts.0), (&other, &casts.1)];
    let loads = [Load::default(), Load::default()];
    let restarts = async {
        for how in [Stop::Fast, Stop::Immediate] {
            for load in &loads {
                Load::goes_on(&load.served, 100).await;
            }
            on(&server, move |server| server.stop(how)).await;
            for load in &loads {
                Load::goes_on(&load.refused, 8).await; // more than what was under way
            }
            on(&server, Server::start).await;
            for (app, cast) in apps {
                recovers("everybody", async || cast.signed_in().await.len() == 10).await;
                let mut visitor = app.client().from(&fresh_address());
                let login = visitor.login("changer", PASSWORD).await;
                assert_eq!(login.status, 200, "{how:?}: {}", login.text);
            }
        }
        for load in &loads {
            load.stop.store(true, Ordering::Relaxed);
        }
    };
    tokio::join!(
        restarts,
        loads[0].run(&one, &casts.0),
        loads[1].run(&other, &casts.1)
    );

    for (app, cast) in apps {
        for told in cast.every_request(app).await {
            told.is_done();
        }
    }
}
