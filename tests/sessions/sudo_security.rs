//! What ends an elevation, and what a thief can do with a stolen session.

use std::time::Duration;

use axum::http::Method;
use crudauth::testing::hashes_done;
use futures_util::future::join_all;
use serde_json::json;

use crate::custom;
use crate::support::{self, Client, FORM, JSON, PASSWORD, fresh_address};
use crate::world::{
    MINUTE, NEW, SECOND, Strict, World, is_elevated, lock, refusal, told, try_with,
};

#[tokio::test]
async fn sec_123_an_access_token_is_never_elevated() {
    let w = World::start().await;
    let ada = w.elevated().await;
    let form = format!("username=ada&password={}", support::encode(PASSWORD));
    let issued = w.app.client().post_body("/token", FORM, form).await;
    let bearer = format!("Bearer {}", issued.json()["access_token"].as_str().unwrap());
    let send = async |client: &Client, path: &str| {
        let request = client
            .request(Method::POST, path)
            .header("authorization", &bearer)
            .header("content-type", JSON);
        let body = json!({ "password": PASSWORD }).to_string();
        client.send(request.body(body.into()).unwrap()).await
    };
    let nobody = w.app.client();
    let answer = send(&nobody, "/sudo").await;
    let text = "Sudo requires a session-backed login.";
    assert_eq!(refusal(&answer), told(403, text, "session_required"));
    assert_eq!(send(&nobody, "/danger").await.code(), "sudo_required");
    assert_eq!(send(&nobody, "/by-hand").await.text, "NoSession");
    assert_eq!(send(&nobody, "/lower").await.text, "false false false");
    // Beside a session that is elevated it is still the token that is asked for here, and the session there.
    assert_eq!(send(&ada, "/machine").await.code(), "sudo_required");
    assert_eq!(send(&ada, "/danger").await.status, 200);
}

#[tokio::test]
async fn sec_122_an_elevation_ends_at_its_instant_whatever_the_session_does() {
    let w = World::start().await;
    let ada = w.elevated().await;
    for _ in 0..4 {
        w.app.clock.advance(MINUTE);
        assert!(is_elevated(&ada).await);
        assert_eq!(ada.get("/me").await.status, 200);
    }
    w.app.clock.advance(Duration::from_secs(59));
    assert!(is_elevated(&ada).await);
    w.app.clock.advance(SECOND);
    assert!(!is_elevated(&ada).await);
    assert_eq!(ada.get("/me").await.status, 200, "the session lives on");
    let back = w.app.clock.now().minus(Duration::from_mins(3));
    w.app.clock.set(back);
    assert!(!is_elevated(&ada).await, "an end is an end");
}

#[tokio::test]
async fn sec_122_of_fifty_wrong_proofs_at_once_from_several_sessions_three_are_looked_at() {
    let w = World::start().await;
    let browsers = join_all((0..5).map(|_| w.ada())).await;
    let before = hashes_done(&w.app.auth);
    let guesses = (0..50).map(|n| try_with(&browsers[n % 5], "wrong"));
    let answers = join_all(guesses).await;
    let count = |status: u16| answers.iter().filter(|a| a.status == status).count();
    assert_eq!((count(401), count(429)), (2, 48));
    assert_eq!(hashes_done(&w.app.auth) - before, 3);
    let run = "SELECT count(*) FROM auth_attempts WHERE run = 3";
    assert_eq!(
        w.app.count(run).await,
        1,
        "they count towards the hard stop"
    );
}

#[tokio::test]
async fn sec_035_a_thief_who_spends_the_budget_of_sudo_locks_nobody_out() {
    let w = World::start().await;
    let thief = w.ada().await;
    lock(&thief).await;
    for _ in 0..20 {
        assert_eq!(try_with(&thief, "wrong").await.status, 429);
    }
    let mut owner = w.app.client().from(&fresh_address());
    assert_eq!(owner.login("ada", PASSWORD).await.status, 200);
    let body = json!({ "current_password": PASSWORD, "new_password": NEW });
    let changed = owner.post_json("/change-password", &body).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(thief.get("/me").await.status, 401);
}

#[tokio::test]
async fn sec_035_a_locked_sign_in_does_not_lock_sudo() {
    let w = World::start().await;
    let ada = w.ada().await;
    let mut thief = w.app.client().from(&fresh_address());
    for _ in 0..5 {
        assert_eq!(thief.login("ada", "wrong").await.status, 401);
    }
    assert_eq!(thief.login("ada", PASSWORD).await.status, 429);
    assert_eq!(try_with(&ada, PASSWORD).await.status, 200);
    assert!(is_elevated(&ada).await);
}

#[tokio::test]
async fn sec_122_what_ends_a_session_or_changes_its_password_ends_its_elevation() {
    let w = World::start().await;
    let gone = async |what: &str| assert_eq!(w.rows().await, 0, "{what}");

    let ada = w.elevated().await;
    assert_eq!(ada.post("/logout").await.status, 200);
    gone("signing out").await;
    assert!(!is_elevated(&w.ada().await).await);

    let (ada, other) = (w.elevated().await, w.ada().await);
    let listed = other.get("/sessions").await.json();
    for one in listed.as_array().unwrap() {
        if one["current"] == false {
            let path = format!("/sessions/{}", one["id"].as_str().unwrap());
            assert_eq!(other.delete(&path).await.status, 200);
        }
    }
    gone("revoking it from another").await;
    assert_eq!(ada.post("/danger").await.status, 401);

    let (ada, other) = (w.elevated().await, w.elevated().await);
    let answer = ada.post("/logout-all?keep_current=true").await;
    assert_eq!(answer.status, 200);
    assert_eq!(w.rows().await, 1, "the kept session's stays");
    assert!(is_elevated(&ada).await);
    assert_eq!(other.post("/danger").await.status, 401);

    let body = json!({ "current_password": PASSWORD, "new_password": NEW });
    let changed = ada.post_json("/change-password", &body).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    gone("a new password").await;
    assert!(!is_elevated(&ada).await, "the kept session's too");

    assert_eq!(try_with(&ada, NEW).await.status, 200);
    let token = w.app.reset_token("ada").await;
    assert_eq!(w.app.reset(&token, PASSWORD).await.status, 200);
    gone("a reset").await;

    w.elevated().await;
    let id = w.id().await;
    assert_eq!(w.app.auth.sessions().revoke_all(&id).await.unwrap(), 1);
    gone("ending all").await;

    w.elevated().await;
    assert!(w.app.auth.users().disable(&id).await.unwrap());
    gone("disabling the account").await;
    assert!(w.app.auth.users().enable(&id).await.unwrap());

    w.elevated().await;
    assert!(w.app.auth.users().delete(&id).await.unwrap());
    gone("deleting the account").await;
}

#[tokio::test]
async fn sec_122_a_session_with_a_new_id_is_not_elevated() {
    let app = custom!(Strict);
    app.register("ada").await;
    let mut ada = app.signed_in("ada").await;
    assert_eq!(try_with(&ada, PASSWORD).await.status, 200);
    let body = json!({ "current_password": PASSWORD, "new_password": NEW });
    let changed = ada.post_json("/change-password", &body).await;
    ada.keep(&changed);
    assert_eq!(ada.get("/me").await.status, 200);
    assert_eq!(app.count("SELECT count(*) FROM auth_elevations").await, 0);
}
