//! A line to PostgreSQL that is slow, or silent, or has lost the connections of before (SEC-147, SEC-148).

use std::time::Duration;

use crudauth::testing::TestBuilder;
use futures_util::future::join_all;
use sqlx::postgres::PgPoolOptions;
use tokio::time::Instant;

use crate::outage::{
    Cast, Outage, PATIENCE, PoolOf, RECOVERY, application, assert_unavailable, on_either_pool,
    recovers, sign_up,
};
use crate::proxy::{Cut, Line, Proxy};
use crate::support::{self, Auth, Client, PASSWORD, SECRET, TempDb, fresh_address};

/// Whatever is asked while the line is like that is told so in time, and once it is over all is as before.
async fn outlives(whose: PoolOf, line: Line) {
    let outage = Outage::over(whose).await;
    let (app, proxy) = (&outage.app, &outage.proxy);
    let cast = Cast::of(app).await;
    cast.is_signed_in().await;

    proxy.set(line);
    for told in cast.every_request(app).await {
        told.is_unavailable();
    }
    // The connections are used up by now: those who come later wait for others that do not come.
    for told in cast.every_request(app).await {
        told.is_unavailable();
    }
    proxy.set(Line::Up);

    recovers("everybody", async || cast.signed_in().await.len() == 10).await;
    for told in cast.every_request(app).await {
        told.is_done();
    }
}

#[tokio::test]
async fn sec_148_a_database_that_takes_two_seconds_for_every_answer_is_503_in_two() {
    on_either_pool(async |whose| outlives(whose, Line::Slow(Duration::from_secs(2))).await).await;
}

#[tokio::test]
async fn sec_148_a_database_that_has_gone_silent_is_503_in_two_seconds() {
    on_either_pool(async |whose| outlives(whose, Line::Silent).await).await;
}

#[tokio::test]
async fn sec_148_connections_that_never_answer_again_are_replaced() {
    on_either_pool(async |whose| outlives(whose, Line::Lost).await).await;
}

/// A firewall has forgotten every idle connection, and nobody was told.
#[tokio::test]
async fn sec_147_one_visitor_after_the_other_gets_through_when_all_idle_connections_are_dead() {
    on_either_pool(async |whose| {
        let outage = Outage::over(whose).await;
        let cast = Cast::of(&outage.app).await;
        cast.is_signed_in().await; // opens as many connections as the pool may have
        let reader = cast.member("reader");
        outage.proxy.set(Line::Lost);
        tokio::time::sleep(Duration::from_millis(1100)).await; // until none of them counts as just used
        outage.proxy.set(Line::Up);

        let (mut in_a_row, begun) = (0, Instant::now());
        while in_a_row < 12 {
            let asked = Instant::now();
            let answer = reader.get("/me").await;
            assert!(
                asked.elapsed() < PATIENCE,
                "{whose:?}: {:?}",
                asked.elapsed()
            );
            in_a_row += 1;
            if answer.status != 200 {
                assert_unavailable("me", &answer);
                assert!(
                    begun.elapsed() < RECOVERY,
                    "{whose:?}: {:?}",
                    begun.elapsed()
                );
                in_a_row = 0;
            }
        }
    })
    .await;
}

/// Answers that come, but not soon: a flow of several steps ends in time at the step that cannot, and leaves nothing.
#[tokio::test]
async fn sec_148_a_sign_in_over_a_sluggish_line_succeeds_or_leaves_nothing() {
    on_either_pool(async |whose| {
        let outage = Outage::over(whose).await;
        let app = &outage.app;
        app.register("ada").await;
        for delay in [100, 300, 500, 700, 1000] {
            outage.proxy.set(Line::Slow(Duration::from_millis(delay)));
            let answer = app.client().login("ada", PASSWORD).await;
            outage.proxy.set(Line::Up);
            let sessions = app.count("SELECT count(*) FROM auth_sessions").await;
            if answer.status == 200 {
                assert_eq!(sessions, 1, "{delay} ms");
            } else {
                assert_unavailable("login", &answer);
            }
            let mut client = app.client();
            recovers("login", async || {
                client.login("ada", PASSWORD).await.status == 200
            })
            .await;
            app.db.run("DELETE FROM auth_sessions").await;
        }
        // A place that was taken, but whose answer came too late for anybody to give it back, lapses by itself.
        app.clock.advance(Duration::from_secs(61));
        for status in [401, 401, 401, 401, 401, 429] {
            let guess = app.client().login("ada", "wrong password").await;
            assert_eq!(guess.status, status, "{}", guess.text);
        }
    })
    .await;
}

/// A pool of one that has lost its connection for good would be an authority that has lost its database.
#[tokio::test]
async fn sec_148_a_connection_that_falls_silent_at_any_step_gives_its_place_back() {
    let file = TempDb::postgres();
    let url = file.url();
    let app = application(file.url(), file, &url, None).await;
    let file = &app.file;
    let at_step = async |messages: usize| {
        let proxy = Proxy::before(&file.url()).await;
        // What sqlx does unless told otherwise: it waits 30 s.
        let pool = PgPoolOptions::new().max_connections(1);
        let pool = pool.connect(&proxy.url(&file.url())).await.unwrap();
        let builder = Auth::builder(pool.clone())
            .secret(SECRET)
            .clock(app.clock.clone());
        let auth = builder.cheap_hashing().manual_workers().await.unwrap();
        let stranger = Client::new(support::routes(&auth)).from(&fresh_address());
        let name = format!("user{messages}");
        let body = sign_up(&name);
        assert_eq!(stranger.post_json("/register", &body).await.status, 200);
        let mut client = stranger.clone();
        assert_eq!(client.login(&name, PASSWORD).await.status, 200);

        proxy.cut(Cut::SilentAfter(messages));
        let asked = Instant::now();
        let answer = stranger.clone().login(&name, PASSWORD).await;
        assert!(
            asked.elapsed() < PATIENCE,
            "{messages}: {:?}",
            asked.elapsed()
        );
        if answer.status != 200 {
            assert_unavailable("login", &answer);
        }
        while pool.num_idle() == 0 && !proxy.has_cut() {
            tokio::task::yield_now().await; // the connection is on its way back
        }
        let silent = proxy.was_cut();
        recovers(&name, async || client.get("/me").await.status == 200).await;
        let mut again = stranger.clone();
        recovers(&name, async || {
            again.login(&name, PASSWORD).await.status == 200
        })
        .await;
        silent
    };

    let cut = join_all((0..60).map(at_step)).await;

    let cuts = cut.iter().filter(|cut| **cut).count();
    assert!(cuts > 20 && cuts < 60, "{cuts} of 60 fell silent");
}
