//! Setting the first password of an account: contract §1.5.

use std::time::Duration;

use crudauth::testing::sign_in;
use serde_json::json;

use crate::alice::{alice, hash, told, without_password};

const NEW: &str = "a wholly different one";
const NOT_AUTHENTICATED: &str = r#"{"detail":"Not authenticated","code":"not_authenticated"}"#;

#[tokio::test]
async fn set_password_gives_one_to_an_account_without_and_evicts_nobody() {
    let (app, client) = without_password().await;
    let id = app
        .auth
        .users()
        .find_by_username("alice")
        .await
        .unwrap()
        .unwrap()
        .id;
    let other = sign_in(&app.auth, &id).await.unwrap();

    let answer = client
        .post_json("/set-password", &json!({ "new_password": NEW }))
        .await;

    assert_eq!(told(&answer), (200, r#"{"detail":"Password set."}"#));
    assert_eq!(answer.set_cookies(), Vec::<&str>::new());
    assert_eq!(answer.header("x-ratelimit-limit"), None); // no limit counts it
    assert_eq!(client.get("/me").await.status, 200);
    let mut elsewhere = app.client();
    elsewhere.cookies.insert(
        "session_id".to_owned(),
        other.cookie.split(['=', ';']).nth(1).unwrap().to_owned(),
    );
    assert_eq!(elsewhere.get("/me").await.status, 200);
    assert_eq!(app.client().login("alice", NEW).await.status, 200);
}

#[tokio::test]
async fn set_password_refuses_in_the_order_has_password_then_stale_then_policy() {
    let (app, client) = alice().await;
    let short = json!({ "new_password": "short" });

    let has_one = client.post_json("/set-password", &short).await;
    app.db
        .run("UPDATE users SET password_hash = '!nothing'")
        .await;
    let policy = client.post_json("/set-password", &short).await;
    app.clock
        .advance(Duration::from_mins(10) - Duration::from_micros(1));
    let just_fresh = client.post_json("/set-password", &short).await;
    app.clock.advance(Duration::from_micros(1));
    let stale = client.post_json("/set-password", &short).await;
    let nobody = app.client().post_json("/set-password", &short).await;

    assert_eq!(
        told(&has_one),
        (
            400,
            r#"{"detail":"Account already has a password; use the password reset flow to change it.","code":"already_has_password"}"#
        )
    );
    let too_short = r#"{"detail":[{"type":"string_too_short","loc":["body","new_password"],"msg":"String should have at least 8 characters","ctx":{"min_length":8}}],"code":"validation_error"}"#;
    assert_eq!(told(&policy), (422, too_short));
    assert_eq!(told(&just_fresh), (422, too_short));
    assert_eq!(
        told(&stale),
        (
            403,
            r#"{"detail":"Sign in again to continue: this needs a recent sign-in.","code":"recent_sign_in_required"}"#
        )
    );
    assert_eq!(told(&nobody), (401, NOT_AUTHENTICATED));
    assert_eq!(hash(&app).await, "!nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_first_passwords_at_once_one_is_kept() {
    let (app, client) = without_password().await;

    let tasks: Vec<_> = (0..50)
        .map(|n| {
            let client = client.clone();
            let body = json!({ "new_password": format!("wholly different {n}") });
            tokio::spawn(async move { (n, client.post_json("/set-password", &body).await) })
        })
        .collect();
    let mut won = Vec::new();
    for task in tasks {
        let (n, answer) = task.await.unwrap();
        match answer.status.as_u16() {
            200 => won.push(n),
            status => assert_eq!(
                (status, answer.code().as_str()),
                (400, "already_has_password")
            ),
        }
    }

    assert_eq!(won.len(), 1);
    assert_eq!(
        app.client()
            .login("alice", &format!("wholly different {}", won[0]))
            .await
            .status,
        200
    );
}
