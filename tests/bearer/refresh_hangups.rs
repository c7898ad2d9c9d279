//! Callers who hang up at any await point while a token is renewed or replayed, and a database that is locked meanwhile
//! (SEC-152, SEC-081, SEC-147).

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use crudauth::auth;
use crudauth::hooks::{AccountEvent, HookResult, Hooks};
use crudauth::testing::hashing;
use serde_json::json;
use tower::ServiceExt;

use crate::custom;
use crate::support::{Custom, JSON, PASSWORD, User};
use crate::tokens::{Pair, me, refresh, token};

/// Counts what came back.
#[derive(Debug, Clone, Default)]
struct Told(Arc<Mutex<usize>>);

impl Hooks<User> for Told {
    async fn refresh_token_reused(&self, _: &AccountEvent<i64>) -> HookResult {
        *self.0.lock().unwrap() += 1;
        Ok(())
    }
}

auth! {
    #[database(sqlite, postgres)]
    #[hooks(Told)]
    #[bearer(refresh(deliver = "body"))]
    struct Hooked<User>;
}

/// Polls `future` at most `polls` times and drops it then. Whether it completed.
async fn cut_after(polls: usize, future: impl Future) -> bool {
    let (mut future, mut left) = (pin!(future), polls);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending => {
            left -= 1;
            if left == 0 {
                Poll::Ready(false)
            } else {
                Poll::Pending
            }
        }
    })
    .await
}

/// Sends `token` to `/refresh` and hangs up after so many polls. Whether it was answered before; everything that runs on in
/// the background has ended, but for a task of each of the two pools.
async fn hang_up(app: &Custom<Hooked>, polls: usize, token: &str) -> bool {
    let runtime = tokio::runtime::Handle::current();
    let settle = async || {
        while runtime.metrics().num_alive_tasks() > 2 || hashing(&app.auth) != (0, 0) {
            tokio::task::yield_now().await;
        }
    };
    settle().await;
    let client = app.client();
    let request = client
        .request(Method::POST, "/refresh")
        .header("content-type", JSON)
        .body(Body::from(json!({ "refresh_token": token }).to_string()))
        .unwrap();
    let done = cut_after(polls, app.router.clone().oneshot(request)).await;
    settle().await;
    done
}

#[tokio::test]
async fn sec_152_refreshing() {
    let app = custom!(Hooked, 5, hooks(Told::default()));
    app.register("ada").await;
    let (mut cuts, mut completed, mut polls) = (0, 0, 1);
    for _ in 0..500 {
        let pair = Pair::of(&token(&app.client(), "ada", PASSWORD, "").await);
        let done = hang_up(&app, polls, &pair.refresh).await;
        // Whether it was replaced or not, the client that knows of nothing goes on with what it has.
        let next = Pair::of(&refresh(&app.client(), &pair.refresh).await);
        let again = Pair::of(&refresh(&app.client(), &pair.refresh).await);
        assert!(!next.refresh.is_empty(), "after {polls} polls");
        assert_eq!(next.refresh, again.refresh, "after {polls} polls");
        assert_eq!(me(&app.client(), &next.access).await.status, 200);
        assert_eq!(refresh(&app.client(), &next.refresh).await.status, 200);
        completed = if done { completed + 1 } else { 0 };
        cuts += usize::from(!done);
        if completed >= 8 && cuts > 0 {
            return;
        }
        // Where the server runs before we do, its answer may be there before it is waited for: then the first instant is tried again.
        polls += usize::from(cuts > 0);
    }
    panic!("it never completes, or was never cut");
}

/// A thief who hangs up does not keep it quiet.
#[tokio::test]
async fn sec_081_a_replay_that_hangs_up_is_told_too() {
    let heard = Told::default();
    let app = custom!(Hooked, 5, hooks(heard.clone()));
    app.register("ada").await;
    let (mut ended, mut between, mut completed, mut polls) = (0, 0, 0, 1);
    for _ in 0..500 {
        let first = Pair::of(&token(&app.client(), "ada", PASSWORD, "").await);
        let second = Pair::of(&refresh(&app.client(), &first.refresh).await);
        app.clock.advance(Duration::from_mins(1));
        let done = hang_up(&app, polls, &first.refresh).await;
        let live = me(&app.client(), &second.access).await.status == 200;
        assert!(!live || !done, "after {polls} polls");
        ended += usize::from(!live);
        between += usize::from(!live && !done);
        assert_eq!(*heard.0.lock().unwrap(), ended, "after {polls} polls");
        if live {
            assert_eq!(refresh(&app.client(), &second.refresh).await.status, 200);
        }
        completed = if done { completed + 1 } else { 0 };
        polls = if completed == 4 { 1 } else { polls + 1 };
        // How many polls the database takes is not always the same: until some hang-up came after the family's end.
        if between > 2 {
            return;
        }
    }
    panic!("the hang-up never came between");
}

#[tokio::test]
async fn sec_147_a_locked_database_signs_nobody_out() {
    let app = custom!(Hooked, 5, hooks(Told::default()));
    app.register("ada").await;
    let pair = async || Pair::of(&token(&app.client(), "ada", PASSWORD, "").await);
    let (live, first) = (pair().await, pair().await);
    let second = Pair::of(&refresh(&app.client(), &first.refresh).await);
    app.clock.advance(Duration::from_mins(1));

    let mut lock = app.db.seize().await;
    let client = app.client();
    let (renewed, replayed, told) = tokio::join!(
        refresh(&client, &live.refresh),
        refresh(&client, &first.refresh),
        me(&client, &live.access),
    );
    for answer in [&renewed, &replayed] {
        assert_eq!(answer.status, 503, "{}", answer.text);
        assert_eq!(answer.code(), "unavailable");
        assert_eq!(answer.json()["error"], "temporarily_unavailable");
        assert!(answer.header("retry-after").is_some());
    }
    // It only reads.
    assert_eq!(told.status, 200, "{}", told.text);
    lock.run("ROLLBACK").await;

    // What was refused has not happened, and happens now.
    assert_eq!(me(&client, &second.access).await.status, 200);
    assert_eq!(refresh(&client, &live.refresh).await.status, 200);
    assert_eq!(refresh(&client, &first.refresh).await.status, 401);
    assert_eq!(me(&client, &second.access).await.status, 401);
}
