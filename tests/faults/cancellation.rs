//! A client that goes away at any await point leaves a state that a retry completes (SEC-152, SEC-008).
//!
//! Each flow is polled once, twice, … and dropped, until it completes by itself. What was detached then runs to its
//! end: the runtime's own count of tasks says when.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use axum::body::Body;
use axum::http::{Method, Request};
use crudauth::Dialect;
use crudauth::testing::{TestBuilder, hashes_done, hashing};
use futures_util::FutureExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{
    self, Auth, Client, FORM, JSON, PASSWORD, SECRET, TestApp, encode, fresh_address,
};

const NEW: &str = "another good password";

/// Polls `future` at most `polls` times and drops it then. Whether it completed.
async fn cut_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => {
            left -= 1;
            if left == 0 {
                Poll::Ready(None)
            } else {
                Poll::Pending
            }
        }
    })
    .await
}

/// Until everything that runs in the background has ended.
async fn settle(app: &TestApp) {
    ended(&app.auth, 2).await; // each pool keeps a task for its idle connections
}

async fn ended(auth: &Auth, kept: usize) {
    let runtime = tokio::runtime::Handle::current();
    while runtime.metrics().num_alive_tasks() > kept || hashing(auth) != (0, 0) {
        tokio::task::yield_now().await;
    }
}

async fn sound(app: &TestApp, when: &str) {
    for (what, sql) in [
        (
            "an attempt is pending",
            "SELECT count(*) FROM auth_attempts WHERE pending <> 0",
        ),
        (
            "a session has no account",
            "SELECT count(*) FROM auth_sessions WHERE user_id NOT IN (SELECT id FROM users)",
        ),
        (
            "a name has no account",
            "SELECT count(*) FROM auth_usernames WHERE user_id NOT IN (SELECT id FROM users)",
        ),
        (
            "an account has no name",
            "SELECT count(*) FROM users WHERE id NOT IN (SELECT user_id FROM auth_usernames)",
        ),
        (
            "one cut cost more than one failure",
            "SELECT count(*) FROM auth_attempts WHERE failures > 1 OR run > 1",
        ),
    ] {
        assert_eq!(app.count(sql).await, 0, "{what}: {when}");
    }
    if app.db.dialect() == Dialect::Postgres {
        // Whoever got such a connection next would write into a transaction that nobody ends.
        let open = "SELECT count(*) FROM pg_stat_activity \
            WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
        assert_eq!(
            app.count(open).await,
            0,
            "a transaction is left open: {when}"
        );
    }
}

fn with_body(client: &Client, path: &str, kind: &str, body: String) -> Request<Body> {
    client
        .request(Method::POST, path)
        .header("content-type", kind)
        .body(body.into())
        .unwrap()
}

fn without_body(client: &Client, path: &str) -> Request<Body> {
    client
        .request(Method::POST, path)
        .body(Body::empty())
        .unwrap()
}

/// Cuts the request that `make` gives for a fresh account after 1, 2, 3, … polls; `check` looks at what was left. How
/// many polls a request takes depends on how fast the database's thread answers, so it goes on until the request has
/// completed eight times in a row.
async fn at_every_await(
    app: &TestApp,
    mut make: impl AsyncFnMut(&TestApp, &str) -> (Client, Request<Body>),
    mut check: impl AsyncFnMut(&TestApp, &str, Client),
) {
    let (mut cuts, mut completed, mut polls) = (0, 0, 1);
    for number in 1..500 {
        let name = format!("user{number}");
        let (client, request) = make(app, &name).await;
        settle(app).await;
        let done = cut_after(polls, app.router.clone().oneshot(request)).await;
        settle(app).await;
        sound(app, &format!("after {polls} polls")).await;
        check(app, &name, client).await;
        settle(app).await;
        completed = if done.is_some() { completed + 1 } else { 0 };
        cuts += usize::from(done.is_none());
        if completed >= 8 && cuts > 0 {
            return;
        }
        // Where the server runs before we do, its answer may be there before it is waited for: then the first instant is tried again.
        polls += usize::from(cuts > 0);
    }
    panic!("the request never completes, or was never cut");
}

fn sign_in(client: &Client, name: &str, password: &str) -> Request<Body> {
    with_body(
        client,
        "/login",
        FORM,
        format!("username={name}&password={}", encode(password)),
    )
}

async fn signed_in(app: &TestApp, name: &str) -> Client {
    app.register(name).await;
    app.signed_in(name).await
}

#[tokio::test]
async fn sec_152_registering() {
    let app = TestApp::start().await;
    let body = |name: &str| json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD });
    at_every_await(
        &app,
        async |app, name| {
            let client = app.client().from(&fresh_address());
            (
                client.clone(),
                with_body(&client, "/register", JSON, body(name).to_string()),
            )
        },
        async |app, name, client| {
            let again = client.post_json("/register", &body(name)).await;
            assert!(
                again.status == 200 || again.code() == "email_taken",
                "{}",
                again.text
            );
            app.signed_in(name).await;
        },
    )
    .await;
}

#[tokio::test]
async fn sec_152_signing_in() {
    let app = TestApp::start().await;
    at_every_await(
        &app,
        async |app, name| {
            app.register(name).await;
            let client = app.client();
            let request = sign_in(&client, name, PASSWORD);
            (client, request)
        },
        async |app, name, mut client| {
            assert_eq!(client.login(name, PASSWORD).await.status, 200);
            assert_eq!(client.get("/me").await.status, 200);
            let id = app
                .auth
                .users()
                .find_by_username(name)
                .await
                .unwrap()
                .unwrap();
            assert!(app.auth.sessions().list(&id).await.unwrap().len() <= 2);
        },
    )
    .await;
}

#[tokio::test]
async fn sec_152_hanging_up_makes_no_guess_free() {
    let app = TestApp::start().await;
    let mut before = 0;
    at_every_await(
        &app,
        async |app, name| {
            app.register(name).await;
            app.db.run("DELETE FROM auth_attempts").await;
            let client = app.client();
            let request = sign_in(&client, name, "wrong password");
            (client, request)
        },
        async |app, name, mut client| {
            let (guesses, registered) = (hashes_done(&app.auth) - before, 1);
            let failures = app
                .count("SELECT COALESCE(max(failures), 0) FROM auth_attempts")
                .await;
            assert!(
                failures >= i64::try_from(guesses).unwrap() - registered,
                "{guesses} hashes, {failures} failures"
            );
            assert_eq!(client.login(name, PASSWORD).await.status, 200);
            before = hashes_done(&app.auth);
        },
    )
    .await;
}

#[tokio::test]
async fn sec_152_signing_out() {
    let app = TestApp::start().await;
    at_every_await(
        &app,
        async |app, name| {
            let client = signed_in(app, name).await;
            let request = without_body(&client, "/logout");
            (client, request)
        },
        async |_, _, client| {
            assert_eq!(client.post("/logout").await.status, 200);
            assert_eq!(client.get("/me").await.status, 401);
        },
    )
    .await;
}

fn change() -> Value {
    json!({ "current_password": PASSWORD, "new_password": NEW })
}

#[tokio::test]
async fn sec_152_changing_the_password() {
    let app = TestApp::start().await;
    let mut other = app.client();
    let mut stored = String::new();
    let hash = async |app: &TestApp, name: &str| -> String {
        let sql = "SELECT password_hash FROM users WHERE username = $1";
        app.db.query(sql).bind(name).scalar().await
    };
    let others = std::cell::RefCell::new((&mut other, &mut stored));
    at_every_await(
        &app,
        async |app, name| {
            let client = signed_in(app, name).await;
            let (second, before) = (app.signed_in(name).await, hash(app, name).await);
            let mut others = others.borrow_mut();
            *others.0 = second;
            *others.1 = before;
            let request = with_body(&client, "/change-password", JSON, change().to_string());
            (client, request)
        },
        async |app, name, client| {
            let (second, before) = {
                let others = others.borrow();
                (others.0.clone(), others.1.clone())
            };
            let changed = hash(app, name).await != before;
            // Either all of it has happened or nothing: never a new password with the other sessions alive.
            assert_eq!(
                second.get("/me").await.status,
                if changed { 401 } else { 200 }
            );
            assert_eq!(
                client.get("/me").await.status,
                200,
                "the calling session lives"
            );
            let again = client.post_json("/change-password", &change()).await;
            assert_eq!(
                again.status,
                if changed { 401 } else { 200 },
                "{}",
                again.text
            );
            assert_eq!(second.get("/me").await.status, 401);
            app.db.run("DELETE FROM auth_attempts").await;
            assert_eq!(app.client().login(name, NEW).await.status, 200);
            assert_eq!(app.client().login(name, PASSWORD).await.status, 401);
            app.db.run("DELETE FROM auth_attempts").await;
        },
    )
    .await;
}

#[tokio::test]
async fn sec_152_setting_the_first_password() {
    let app = TestApp::start().await;
    let body = json!({ "new_password": NEW });
    at_every_await(
        &app,
        async |app, name| {
            let client = signed_in(app, name).await;
            let sql = "UPDATE users SET password_hash = '!' WHERE username = $1";
            app.db.query(sql).bind(name).execute().await;
            let request = with_body(&client, "/set-password", JSON, body.to_string());
            (client, request)
        },
        async |app, name, client| {
            let again = client.post_json("/set-password", &body).await;
            assert!(again.status == 200 || again.status == 400, "{}", again.text);
            assert_eq!(app.client().login(name, NEW).await.status, 200);
        },
    )
    .await;
}

#[tokio::test]
async fn sec_152_refreshing_the_csrf_token() {
    let app = TestApp::start().await;
    at_every_await(
        &app,
        async |app, name| {
            let mut client = signed_in(app, name).await.from(&fresh_address());
            client.cookies.remove("csrf_token");
            let request = without_body(&client, "/csrf/refresh");
            (client, request)
        },
        async |_, _, mut client| {
            let answer = client.post("/csrf/refresh").await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            client.keep(&answer);
            assert_eq!(
                client.post("/dashboard").await.status,
                200,
                "the token of the retry works"
            );
        },
    )
    .await;
}

#[tokio::test]
async fn sec_152_signing_out_everywhere() {
    let app = TestApp::start().await;
    at_every_await(
        &app,
        async |app, name| {
            let client = signed_in(app, name).await;
            app.signed_in(name).await;
            let request = without_body(&client, "/logout-all");
            (client, request)
        },
        async |app, name, client| {
            let user = app
                .auth
                .users()
                .find_by_username(name)
                .await
                .unwrap()
                .unwrap();
            let left = app.auth.sessions().list(&user).await.unwrap().len();
            assert!(left == 0 || left == 2, "all or nothing, not {left}");
            let again = client.post("/logout-all").await;
            assert_eq!(again.status, if left == 0 { 401 } else { 200 });
            assert_eq!(client.get("/me").await.status, 401);
        },
    )
    .await;
}

#[tokio::test]
async fn sec_008_200_sign_ins_that_hang_up_give_every_permit_back() {
    let (file, pool) = support::database(5).await;
    let auth = Auth::builder(pool)
        .secret(SECRET)
        .manual_workers()
        .await
        .unwrap(); // real argon2
    let router = support::routes(&auth);
    let permits = std::thread::available_parallelism().map_or(1, usize::from);
    let mut requests: Vec<_> = (0..200)
        .map(|turn| {
            let client = Client::new(router.clone()).from(&fresh_address());
            let request = sign_in(&client, &format!("nobody{turn}"), "some password");
            Box::pin(router.clone().oneshot(request).fuse())
        })
        .collect();
    let mut most = 0;
    poll_fn(|cx| {
        for request in &mut requests {
            let _ = request.as_mut().poll(cx);
        }
        let (running, waiting) = hashing(&auth);
        most = most.max(running);
        if waiting > 30 {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;

    let begun = hashes_done(&auth);
    drop(requests);
    ended(&auth, 1).await;

    assert!(most <= permits);
    let after = hashes_done(&auth) - begun;
    assert!(
        after <= u64::try_from(permits).unwrap(),
        "{after} hashes for nobody"
    );
    let db = support::pool(&file.url(), 1).await;
    let pending: i64 = db
        .query("SELECT CAST(COALESCE(sum(pending), 0) AS BIGINT) FROM auth_attempts")
        .scalar()
        .await;
    assert_eq!(pending, 0);
    let answer = Client::new(router)
        .from(&fresh_address())
        .login("nobody", "some password")
        .await;
    assert_eq!(answer.status, 401);
}
