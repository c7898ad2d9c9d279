//! A connection to PostgreSQL that is cut at every step of the protocol, in each flow (SEC-148).
//!
//! The step is counted in messages: the flow is run again and again, and cut one message later each time, until it
//! completes before it comes to that.

use axum::body::Body;
use axum::http::{Method, Request};
use crudauth::testing::hashes_done;
use serde_json::json;

use crate::outage::{NEW, Outage, PoolOf, assert_unavailable, recovers, sign_up};
use crate::proxy::Cut;
use crate::support::{Answer, Client, FORM, JSON, PASSWORD, TestApp, encode, fresh_address};

/// A request, and what it answers when nothing is cut.
struct Asked {
    client: Client,
    request: Request<Body>,
    status: u16,
}

fn post(client: &Client, path: &str, kind: &str, body: String) -> Request<Body> {
    let request = client.request(Method::POST, path);
    request
        .header("content-type", kind)
        .body(body.into())
        .unwrap()
}

fn sign_in(client: Client, name: &str, password: &str, status: u16) -> Asked {
    let body = format!("username={name}&password={}", encode(password));
    let request = post(&client, "/login", FORM, body);
    Asked {
        client,
        request,
        status,
    }
}

fn asks(client: Client, path: &str, body: Option<serde_json::Value>) -> Asked {
    let body = body.map_or_else(String::new, |body| body.to_string());
    let request = post(&client, path, JSON, body);
    Asked {
        client,
        request,
        status: 200,
    }
}

async fn signed_in(app: &TestApp, name: &str) -> Client {
    app.register(name).await;
    app.signed_in(name).await.from(&fresh_address())
}

async fn sound(app: &TestApp, when: &str) {
    for (what, sql) in [
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
            "one guess holds more than one place",
            "SELECT count(*) FROM auth_attempts WHERE pending > 1",
        ),
        (
            // What was counted, but whose answer was lost, is counted once more: never not at all.
            "one guess counts more than twice",
            "SELECT count(*) FROM auth_attempts WHERE failures > 2 OR run > 2",
        ),
    ] {
        assert_eq!(app.count(sql).await, 0, "{what}: {when}");
    }
}

/// What a count of messages means, and whether every connection is gone before, so that opening one is among the steps.
type Way = (&'static str, fn(usize) -> Cut, bool);
const REQUESTS: Way = ("request", Cut::AfterRequests, false);
const ANSWERS: Way = ("answer", Cut::InAnswer, false);
const CONNECTING: Way = ("connect", Cut::AfterRequests, true);

/// Cuts the request that `make` gives for an account of its own at one step after the other; `check` looks at what was
/// left, and does what a client would do next.
async fn at_every_step(
    ways: &[Way],
    make: impl AsyncFn(&TestApp, &str) -> Asked,
    check: impl AsyncFn(&TestApp, &str, Client, &Answer),
) {
    let outage = Outage::over(PoolOf::TheApplication).await;
    let app = &outage.app;
    for &(way, step, cold) in ways {
        let (mut cuts, mut refused, mut completed) = (0, 0, 0);
        for messages in 0.. {
            let name = format!("{way}{messages}");
            let asked = make(app, &name).await;
            outage.is_idle().await;
            if cold {
                outage.proxy.hang_up().await;
            }
            outage.proxy.cut(step(messages));
            let answer = asked.client.send(asked.request).await;
            let cut = outage.proxy.was_cut();

            let when = format!("{way} {messages}, answered {}", answer.status);
            if answer.status == asked.status {
                completed += usize::from(!cut);
            } else {
                assert!(cut, "{when}: {}", answer.text);
                assert_unavailable(&when, &answer);
                refused += 1;
            }
            cuts += usize::from(cut);
            sound(app, &when).await;
            check(app, &name, asked.client, &answer).await;
            app.db.run("DELETE FROM auth_attempts").await;
            assert!(messages < 500, "it never completes");
            if completed == 3 {
                break;
            }
        }
        assert!(
            cuts > 5 && refused > 3,
            "{way}: {cuts} cuts, {refused} refused"
        );
    }
}

#[tokio::test]
async fn sec_148_a_sign_up_that_is_cut_can_be_tried_again() {
    at_every_step(
        &[REQUESTS, ANSWERS],
        async |app, name| {
            asks(
                app.client().from(&fresh_address()),
                "/register",
                Some(sign_up(name)),
            )
        },
        async |app, name, client, _| {
            let again = client.post_json("/register", &sign_up(name)).await;
            assert!(
                again.status == 200 || again.code() == "email_taken",
                "{name}: {}",
                again.text
            );
            let account = "SELECT count(*) FROM users WHERE username = $1";
            assert_eq!(app.db.query(account).bind(name).scalar::<i64>().await, 1);
            app.signed_in(name).await;
        },
    )
    .await;
}

#[tokio::test]
async fn sec_148_a_sign_in_that_is_cut_leaves_at_most_the_session_it_opened() {
    at_every_step(
        &[REQUESTS, ANSWERS, CONNECTING],
        async |app, name| {
            app.register(name).await;
            sign_in(app.client().from(&fresh_address()), name, PASSWORD, 200)
        },
        async |app, name, mut client, _| {
            let sessions = "SELECT count(*) FROM auth_sessions
                            WHERE user_id = (SELECT id FROM users WHERE username = $1)";
            let left: i64 = app.db.query(sessions).bind(name).scalar().await;
            assert!(left <= 1, "{name}: {left} sessions");
            assert_eq!(client.login(name, PASSWORD).await.status, 200, "{name}");
            assert_eq!(client.get("/me").await.status, 200, "{name}");
        },
    )
    .await;
}

#[tokio::test]
async fn sec_148_no_cut_makes_a_guess_free() {
    let hashes = std::cell::Cell::new(0);
    at_every_step(
        &[REQUESTS, ANSWERS],
        async |app, name| {
            app.register(name).await;
            hashes.set(hashes_done(&app.auth));
            sign_in(
                app.client().from(&fresh_address()),
                name,
                "wrong password",
                401,
            )
        },
        async |app, name, mut client, _| {
            let looked_at = hashes_done(&app.auth) > hashes.get();
            recovers(name, async || {
                let counted = "SELECT COALESCE(max(failures), 0) FROM auth_attempts";
                !looked_at || app.count(counted).await > 0
            })
            .await;
            sound(app, name).await;
            assert_eq!(client.login(name, PASSWORD).await.status, 200, "{name}");
        },
    )
    .await;
}

#[tokio::test]
async fn sec_148_signing_out_works_in_the_end() {
    at_every_step(
        &[REQUESTS, ANSWERS],
        async |app, name| asks(signed_in(app, name).await, "/logout", None),
        async |_, name, client, _| {
            assert_eq!(client.post("/logout").await.status, 200, "{name}");
            assert_eq!(client.get("/me").await.status, 401, "{name}");
        },
    )
    .await;
}

#[tokio::test]
async fn sec_148_signing_out_everywhere_is_all_or_nothing() {
    at_every_step(
        &[REQUESTS, ANSWERS],
        async |app, name| {
            let client = signed_in(app, name).await;
            app.signed_in(name).await;
            asks(client, "/logout-all", None)
        },
        async |app, name, client, _| {
            let users = app.auth.users();
            let user = users.find_by_username(name).await.unwrap().unwrap();
            let left = app.auth.sessions().list(&user).await.unwrap().len();
            assert!(left == 0 || left == 2, "{name}: {left} sessions");
            let again = client.post("/logout-all").await;
            assert_eq!(again.status, if left == 0 { 401 } else { 200 }, "{name}");
        },
    )
    .await;
}

#[tokio::test]
async fn sec_148_a_password_is_the_old_one_or_the_new_one() {
    let body = || json!({ "current_password": PASSWORD, "new_password": NEW });
    let other = std::cell::RefCell::new(None);
    at_every_step(
        &[REQUESTS, ANSWERS],
        async |app, name| {
            let client = signed_in(app, name).await;
            let second = app.signed_in(name).await;
            other.replace(Some(second));
            asks(client, "/change-password", Some(body()))
        },
        async |app, name, client, answer| {
            let other = other.take().unwrap();
            assert_eq!(
                client.get("/me").await.status,
                200,
                "{name}: the caller's session"
            );
            // A new password and the end of every other session, or neither.
            let changed = other.get("/me").await.status == 401;
            assert!(changed || answer.status != 200, "{name}");
            let again = client.post_json("/change-password", &body()).await;
            let expected = if changed { 401 } else { 200 };
            assert_eq!(again.status, expected, "{name}: {}", again.text);
            assert_eq!(other.get("/me").await.status, 401, "{name}");
            app.db.run("DELETE FROM auth_attempts").await;
            assert_eq!(app.client().login(name, NEW).await.status, 200, "{name}");
            assert_eq!(
                app.client().login(name, PASSWORD).await.status,
                401,
                "{name}"
            );
        },
    )
    .await;
}

#[tokio::test]
async fn sec_148_a_first_password_is_set_or_not() {
    let body = || json!({ "new_password": NEW });
    at_every_step(
        &[REQUESTS, ANSWERS],
        async |app, name| {
            let client = signed_in(app, name).await;
            let sql = "UPDATE users SET password_hash = '!' WHERE username = $1";
            app.db.query(sql).bind(name).execute().await;
            asks(client, "/set-password", Some(body()))
        },
        async |app, name, client, _| {
            let again = client.post_json("/set-password", &body()).await;
            assert!(
                [200, 400].contains(&again.status.as_u16()),
                "{name}: {}",
                again.text
            );
            assert_eq!(app.client().login(name, NEW).await.status, 200, "{name}");
        },
    )
    .await;
}

#[tokio::test]
async fn sec_148_a_csrf_token_that_was_lost_with_its_answer_is_given_again() {
    at_every_step(
        &[REQUESTS, ANSWERS],
        async |app, name| {
            let mut client = signed_in(app, name).await;
            client.cookies.remove("csrf_token");
            asks(client, "/csrf/refresh", None)
        },
        async |_, name, mut client, _| {
            let again = client.post("/csrf/refresh").await;
            assert_eq!(again.status, 200, "{name}: {}", again.text);
            client.keep(&again);
            assert_eq!(client.post("/dashboard").await.status, 200, "{name}");
        },
    )
    .await;
}
