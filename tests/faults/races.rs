//! Fifty callers at once, in one process and in two, on one SQLite file.

use std::time::Duration;

use axum::http::Method;
use crudauth::testing::hashes_done;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Answer, Client, JSON, PASSWORD, TestApp, fresh_address};

/// Runs all of them at once, on all cores.
async fn together(
    requests: impl Iterator<Item = impl Future<Output = Answer> + Send + 'static>,
) -> Vec<Answer> {
    let mut set = JoinSet::new();
    for request in requests {
        set.spawn(request);
    }
    set.join_all().await
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers
        .iter()
        .filter(|answer| answer.status == status)
        .count()
}

fn sign_up(email: &str, username: &str) -> Value {
    json!({ "email": email, "username": username, "password": PASSWORD })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_registered_fifty_times_at_once_is_one_account() {
    let app = TestApp::start().await;
    let answers = together((0..50).map(|turn| {
        let client = app.client().from(&fresh_address());
        async move {
            client
                .post_json(
                    "/register",
                    &sign_up("ada@example.com", &format!("user{turn}")),
                )
                .await
        }
    }))
    .await;

    assert_eq!((count(&answers, 200), count(&answers, 422)), (1, 49));
    for refused in answers.iter().filter(|answer| answer.status == 422) {
        assert_eq!(refused.json()["detail"], "Email already registered");
    }
    assert_eq!(app.count("SELECT count(*) FROM users").await, 1);
    assert_eq!(app.count("SELECT count(*) FROM auth_usernames").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_025_fifty_spellings_of_one_user_name_at_once_are_one_account() {
    let app = TestApp::start().await;
    let answers = together((0..50_u32).map(|turn| {
        let client = app.client().from(&fresh_address());
        let name: String = ('a'..='f')
            .enumerate()
            .map(|(bit, c)| {
                if turn >> bit & 1 == 1 {
                    c.to_ascii_uppercase()
                } else {
                    c
                }
            })
            .collect();
        async move {
            client
                .post_json(
                    "/register",
                    &sign_up(&format!("u{turn}@example.com"), &name),
                )
                .await
        }
    }))
    .await;

    assert_eq!((count(&answers, 200), count(&answers, 422)), (1, 49));
    assert!(
        answers
            .iter()
            .all(|answer| answer.status == 200
                || answer.json()["detail"] == "Username already taken")
    );
    assert_eq!(app.count("SELECT count(*) FROM users").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_055_fifty_sign_ins_at_once_leave_five_sessions() {
    let app = TestApp::start().await;
    app.register("ada").await;
    app.signed_in("ada").await;
    app.clock.advance(Duration::from_secs(1)); // older than each of the fifty, whatever order they come in

    let clients = join_all((0..50).map(|_| {
        let mut client = app.client().from(&fresh_address());
        async move { (client.login("ada", PASSWORD).await.status.as_u16(), client) }
    }))
    .await;

    assert!(clients.iter().all(|(status, _)| *status == 200));
    assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 5);
    let mut live = 0;
    for (_, client) in &clients {
        live += u32::from(client.get("/me").await.status == 200);
    }
    assert_eq!(live, 5, "the newest are the ones that live");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_034_two_hundred_guesses_on_all_cores_stay_within_the_budget() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let before = hashes_done(&app.auth);

    let answers = together((0..200).map(|_| {
        let mut client = app.client().from(&fresh_address());
        async move { client.login("ada", "wrong password").await }
    }))
    .await;

    assert_eq!((count(&answers, 401), count(&answers, 429)), (5, 195));
    assert_eq!(hashes_done(&app.auth) - before, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_050_of_two_sessions_that_change_the_password_at_once_one_wins() {
    let app = TestApp::start().await;
    app.register("ada").await;
    for round in 0..25 {
        let old = if round == 0 {
            PASSWORD.to_owned()
        } else {
            format!("password number {round}")
        };
        app.clock.advance(Duration::from_hours(1)); // the limit on changes is not under test
        let sessions: Vec<Client> = join_all((0..2).map(|_| {
            let (mut client, old) = (app.client(), old.clone());
            async move {
                assert_eq!(client.login("ada", &old).await.status, 200);
                client
            }
        }))
        .await;
        let new = [
            format!("password number {}", round + 1),
            format!("the other of {}", round + 1),
        ];

        let answers = join_all(sessions.iter().zip(&new).map(|(client, new)| {
            let (client, body) = (
                client.clone(),
                json!({ "current_password": old, "new_password": new }),
            );
            async move {
                tokio::spawn(async move { client.post_json("/change-password", &body).await })
                    .await
                    .unwrap()
            }
        }))
        .await;

        assert_eq!(count(&answers, 200), 1, "{answers:?}");
        assert_eq!(count(&answers, 401), 1, "{answers:?}");
        let winner = usize::from(answers[1].status == 200);
        assert_eq!(sessions[winner].get("/me").await.status, 200);
        assert_eq!(
            sessions[1 - winner].get("/me").await.status,
            401,
            "the loser's session is ended"
        );
        assert_eq!(
            app.client().login("ada", &new[1 - winner]).await.status,
            401
        );
        if winner == 1 {
            let body = json!({ "current_password": new[1], "new_password": new[0] });
            assert_eq!(
                sessions[1]
                    .post_json("/change-password", &body)
                    .await
                    .status,
                200
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_066_fifty_refreshes_of_a_lost_token_leave_one_that_works() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let mut owner = app.signed_in("ada").await;
    let old = owner.csrf.take().unwrap();
    owner.cookies.remove("csrf_token");

    let answers = together((0..30).map(|_| {
        let client = owner.clone();
        async move { client.post("/csrf/refresh").await }
    }))
    .await;

    let mut working = 0;
    let tokens = answers
        .iter()
        .filter_map(|answer| answer.json()["csrf_token"].as_str().map(str::to_owned));
    for token in tokens.chain([old]) {
        let request = owner
            .request(Method::POST, "/dashboard")
            .header("x-csrf-token", token);
        working += u32::from(owner.send(request.body("".into()).unwrap()).await.status == 200);
    }
    assert_eq!(working, 1, "the last one handed out, and not the old one");
    assert!(
        answers
            .iter()
            .all(|answer| answer.status == 200 || answer.status == 401)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_session_ended_fifty_times_at_once_ends_once() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let owner = app.signed_in("ada").await;
    let other = app.signed_in("ada").await;
    let listed = owner.get("/sessions").await.json();
    let listed = listed.as_array().unwrap();
    let handle = listed
        .iter()
        .find(|session| session["current"] == false)
        .unwrap()["id"]
        .as_str()
        .unwrap();

    let answers = together((0..50).map(|_| {
        let (client, path) = (owner.clone(), format!("/sessions/{handle}"));
        async move { client.delete(&path).await }
    }))
    .await;

    assert_eq!((count(&answers, 200), count(&answers, 404)), (1, 49));
    assert_eq!(other.get("/me").await.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_048_recording_use_never_revives_a_revoked_session() {
    let app = TestApp::start().await;
    app.register("ada").await;
    for _ in 0..100 {
        let user = app.signed_in("ada").await;
        app.clock.advance(Duration::from_secs(61)); // each request records its use
        let answers = together((0..5).map(|turn| {
            let client = user.clone();
            async move {
                if turn == 2 {
                    client.post("/logout").await
                } else {
                    client.get("/me").await
                }
            }
        }))
        .await;
        assert!(
            answers
                .iter()
                .all(|answer| answer.status == 200 || answer.status == 401)
        );

        assert_eq!(user.get("/me").await.status, 401);
    }
    assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_050_a_sign_in_that_meets_a_disabling_opens_nothing_even_later() {
    let app = TestApp::start().await;
    let id = app.register("ada").await;
    for _ in 0..30 {
        let mut logins = JoinSet::new();
        for _ in 0..3 {
            let mut client = app.client().from(&fresh_address());
            logins.spawn(async move {
                client.login("ada", PASSWORD).await;
                client
            });
        }
        app.auth.users().disable(&id).await.unwrap();
        let clients = logins.join_all().await;
        assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 0);
        app.auth.users().enable(&id).await.unwrap();
        app.auth.users().unlock(&id).await.unwrap();

        for client in clients {
            assert_eq!(
                client.get("/me").await.status,
                401,
                "opened before or during, dead after"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_159_a_sign_in_that_meets_a_deletion_leaves_no_session() {
    let app = TestApp::start().await;
    for round in 0..30 {
        let name = format!("ada{round}");
        let id = app.register(&name).await;
        let mut logins = JoinSet::new();
        for _ in 0..3 {
            let (mut client, name) = (app.client().from(&fresh_address()), name.clone());
            logins.spawn(async move { client.login(&name, PASSWORD).await.status.as_u16() });
        }
        app.auth.users().delete(&id).await.unwrap();
        logins.join_all().await;

        assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 0);
        assert_eq!(app.count("SELECT count(*) FROM auth_usernames").await, 0);
        let body = sign_up(&format!("{name}@example.com"), &name).to_string();
        let again = app
            .client()
            .from(&fresh_address())
            .post_body("/register", JSON, body)
            .await;
        assert_eq!(again.status, 200, "the name is free again: {}", again.text);
        let id = again.json()["id"].as_i64().unwrap();
        app.auth.users().delete(&id).await.unwrap();
    }
}
