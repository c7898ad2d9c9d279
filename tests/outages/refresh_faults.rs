//! Tokens while PostgreSQL is cut off at every step of the protocol, or away: 503, and nobody is signed out or let in
//! (SEC-147, SEC-148).

use std::time::Duration;

use axum::http::Method;
use crudauth::testing::Clock;
use futures_util::future::join_all;
use sqlx::PgPool;
use tokio::time::Instant;

use crate::proxy::{Cut, Line, Proxy};
use crate::support::{self, Answer, Db, FORM, TempDb, User};
use crate::tokens;
use crate::tokens::{App, Pair, send};

struct Behind {
    app: App,
    proxy: Proxy,
    pool: PgPool,
}

impl Behind {
    async fn start() -> Self {
        let file = TempDb::postgres();
        let proxy = Proxy::before(&file.url()).await;
        let pool = PgPool::connect(&proxy.url(&file.url())).await.unwrap();
        let db = support::pool(&file.url(), 1).await;
        db.run(User::create_table_sql(db.dialect())).await;
        let app = tokens::over(file, Db::Postgres(pool.clone()), Clock::manual()).await;
        app.register("ada").await;
        Self { app, proxy, pool }
    }

    /// Cuts the connection where the step says, once nobody uses it any more.
    async fn cut(&self, cut: Cut) {
        while self.pool.num_idle() < self.pool.size() as usize {
            tokio::task::yield_now().await;
        }
        self.proxy.cut(cut);
    }
}

fn unavailable(what: &str, answer: &Answer) {
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (503, "unavailable"),
        "{what}: {}",
        answer.text
    );
    assert!(answer.header("retry-after").is_some(), "{what}");
    assert!(answer.set_cookies().is_empty(), "{what}");
}

/// What a count of messages means.
type Way = (&'static str, fn(usize) -> Cut);

/// At one step after the other: `request` is answered with `expected`, or is refused for the time being because it was cut;
/// `check` sees what was left.
async fn at_every_step<T>(
    expected: u16,
    make: impl AsyncFn(&App) -> T,
    request: impl AsyncFn(&App, &T) -> Answer,
    check: impl AsyncFn(&App, T, bool),
) {
    let behind = Behind::start().await;
    let ways: [Way; 2] = [("request", Cut::AfterRequests), ("answer", Cut::InAnswer)];
    for (way, step) in ways {
        let (mut refused, mut completed) = (0, 0);
        for messages in 0..200 {
            let thing = make(&behind.app).await;
            behind.cut(step(messages)).await;
            let answer = request(&behind.app, &thing).await;
            let cut = behind.proxy.was_cut();
            let when = format!("{way} {messages}");
            if answer.status.as_u16() == expected {
                completed += usize::from(!cut);
            } else {
                assert!(cut, "{when}: {}", answer.text);
                unavailable(&when, &answer);
                refused += 1;
            }
            check(&behind.app, thing, answer.status == 503).await;
            if completed == 3 {
                break;
            }
        }
        assert!(
            completed == 3 && refused > 3,
            "{way}: {completed} {refused}"
        );
    }
}

#[tokio::test]
async fn sec_148_a_refresh_that_is_cut_loses_nothing() {
    at_every_step(
        200,
        async |app| app.pair("ada").await,
        async |app, pair| app.refresh(&pair.refresh).await,
        async |app, pair, _| {
            let (one, two) = (
                app.refresh(&pair.refresh).await,
                app.refresh(&pair.refresh).await,
            );
            assert_eq!((one.status.as_u16(), two.status.as_u16()), (200, 200));
            let next = Pair::of(&one);
            assert_eq!(next.refresh, Pair::of(&two).refresh, "one branch");
            assert_eq!(app.get("/me", &next.access).await.status, 200);
            assert_eq!(app.refresh(&next.refresh).await.status, 200);
        },
    )
    .await;
}

#[tokio::test]
async fn sec_148_a_replay_that_is_cut_ends_the_family_or_does_so_next_time() {
    at_every_step(
        401,
        async |app| {
            let first = app.pair("ada").await;
            let second = Pair::of(&app.refresh(&first.refresh).await);
            app.clock.advance(Duration::from_mins(1));
            (first, second)
        },
        async |app, (first, _)| app.refresh(&first.refresh).await,
        async |app, (first, second), refused| {
            if !refused {
                assert_eq!(app.get("/me", &second.access).await.status, 401);
            }
            assert_eq!(app.refresh(&first.refresh).await.status, 401);
            assert_eq!(app.get("/me", &second.access).await.status, 401);
            assert_eq!(app.refresh(&second.refresh).await.status, 401);
        },
    )
    .await;
}

#[tokio::test]
async fn sec_148_a_guard_that_is_cut_lets_nobody_in_and_signs_nobody_out() {
    at_every_step(
        200,
        async |app| app.pair("ada").await,
        async |app, pair| app.get("/me", &pair.access).await,
        async |app, pair, _| assert_eq!(app.get("/me", &pair.access).await.status, 200),
    )
    .await;
}

#[tokio::test]
async fn sec_147_a_stopped_server_is_503_at_every_door_of_a_token() {
    let Behind { app, proxy, .. } = &Behind::start().await;
    let pair = app.pair("ada").await;
    let ended = app.pair("ada").await;
    app.auth.tokens().revoke(&ended.refresh).await.unwrap();
    proxy.set(Line::Down);
    // A live token and a dead one: what cannot be asked is neither.
    let told = [&pair, &ended].map(|pair| async move {
        let form = format!("token={}", pair.refresh);
        let tokens = app.auth.tokens();
        let (refreshed, me, maybe, machines, revoked, introspected, verified, renewed, ended) = tokio::join!(
            app.refresh(&pair.refresh),
            app.get("/me", &pair.access),
            app.get("/maybe", &pair.access),
            app.get("/machines", &pair.access),
            app.post_form("/token/revoke", &pair.access, &form),
            app.post_form("/token/introspect", &pair.access, &form),
            tokens.verify(&pair.access),
            tokens.refresh(&pair.refresh),
            tokens.revoke(&pair.refresh),
        );
        for answer in [refreshed, me, maybe, machines, revoked, introspected] {
            unavailable("a door", &answer);
        }
        assert!(verified.is_err() && renewed.is_err() && ended.is_err());
    });
    join_all(told).await;
    unavailable("/token", &app.token("ada", support::PASSWORD, "").await);
    // What none of our keys has made needs no database to be refused.
    assert_eq!(app.refresh("garbage").await.code(), "refresh_token_invalid");
    let client = app.client();
    let forged = send(
        &client,
        Method::POST,
        "/token/introspect",
        "a.b.c",
        Some((FORM, "token=x".into())),
    );
    assert_eq!(forged.await.code(), "invalid_token");
    proxy.set(Line::Up);

    let deadline = Instant::now() + Duration::from_secs(10);
    while app.get("/me", &pair.access).await.status == 503 {
        assert!(Instant::now() < deadline, "it does not come back");
    }
    assert_eq!(app.get("/me", &pair.access).await.status, 200);
    assert_eq!(app.refresh(&pair.refresh).await.status, 200);
    assert_eq!(app.get("/me", &ended.access).await.status, 401);
    assert_eq!(app.refresh(&ended.refresh).await.status, 401);
}
