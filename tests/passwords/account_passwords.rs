//! Changing a password: contract §1.6, and the proofs that setting one needs (SEC-020).

use std::time::Duration;

use serde_json::{Value, json};

use crate::alice::{alice, hash, told, without_password};
use crate::support::PASSWORD;

const NEW: &str = "a wholly different one";
const NOT_AUTHENTICATED: &str = r#"{"detail":"Not authenticated","code":"not_authenticated"}"#;
const CSRF_MISSING: &str = r#"{"detail":"Missing CSRF token","code":"csrf_missing"}"#;
const INCORRECT: &str =
    r#"{"detail":"Current password is incorrect.","code":"current_password_incorrect"}"#;

fn change(current: &str, new: &str) -> Value {
    json!({ "current_password": current, "new_password": new })
}

#[tokio::test]
async fn change_password_ends_every_other_session_and_keeps_this_one_as_it_is() {
    let (app, client) = alice().await;
    let other = app.signed_in("alice").await;
    let epoch = "SELECT token_version FROM users";
    let before = app.count(epoch).await;

    let answer = client
        .post_json("/change-password", &change(PASSWORD, NEW))
        .await;

    assert_eq!(told(&answer), (200, r#"{"detail":"Password changed."}"#));
    assert_eq!(answer.set_cookies(), Vec::<&str>::new()); // same id, same CSRF token
    assert_eq!(
        (
            answer.header("x-ratelimit-limit"),
            answer.header("x-ratelimit-remaining")
        ),
        (Some("5"), Some("4"))
    );
    assert_eq!(app.count(epoch).await, before + 1);
    assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 1);
    assert_eq!(told(&other.get("/me").await), (401, NOT_AUTHENTICATED));
    assert_eq!(client.get("/me").await.status, 200);
    assert_eq!(
        client
            .post_json("/change-password", &change(NEW, "yet another one of mine"))
            .await
            .status,
        200
    );
    assert_eq!(app.client().login("alice", PASSWORD).await.status, 401);
    assert_eq!(
        app.client()
            .login("alice", "yet another one of mine")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn change_password_refuses_what_the_contract_lists_and_changes_nothing() {
    let (app, mut client) = alice().await;
    let before = hash(&app).await;

    let wrong = client
        .post_json("/change-password", &change("wrong", NEW))
        .await;
    let endless = client
        .post_json("/change-password", &change(&"x".repeat(1025), NEW))
        .await;
    let short = client
        .post_json("/change-password", &change(PASSWORD, "short"))
        .await;
    let same = client
        .post_json("/change-password", &change(PASSWORD, PASSWORD))
        .await;
    let missing = client.post_json("/change-password", &json!({})).await;

    assert_eq!(told(&wrong), (401, INCORRECT));
    assert_eq!(told(&endless), (401, INCORRECT));
    assert_eq!(
        told(&short),
        (
            422,
            r#"{"detail":[{"type":"string_too_short","loc":["body","new_password"],"msg":"String should have at least 8 characters","ctx":{"min_length":8}}],"code":"validation_error"}"#
        )
    );
    assert_eq!(
        told(&same),
        (
            422,
            r#"{"detail":[{"type":"password_policy","loc":["body","new_password"],"msg":"Password should differ from the current one","ctx":{"requirement":"different"}}],"code":"same_password"}"#
        )
    );
    assert_eq!(
        told(&missing),
        (
            422,
            r#"{"detail":[{"type":"missing","loc":["body","current_password"],"msg":"Field required"},{"type":"missing","loc":["body","new_password"],"msg":"Field required"}],"code":"validation_error"}"#
        )
    );
    // Counted and told, every one of them.
    for (answer, left) in [
        (&wrong, "4"),
        (&endless, "3"),
        (&short, "2"),
        (&same, "1"),
        (&missing, "0"),
    ] {
        assert_eq!(
            (
                answer.header("x-ratelimit-limit"),
                answer.header("x-ratelimit-remaining")
            ),
            (Some("5"), Some(left))
        );
    }
    let over = client
        .post_json("/change-password", &change(PASSWORD, NEW))
        .await;
    assert_eq!(
        told(&over),
        (
            429,
            r#"{"detail":"Too many requests. Try again later.","code":"rate_limited"}"#
        )
    );
    assert_eq!(
        (
            over.header("x-ratelimit-limit"),
            over.header("x-ratelimit-remaining")
        ),
        (Some("5"), Some("0"))
    );
    assert_eq!(hash(&app).await, before);
    let wait: u64 = over.header("retry-after").unwrap().parse().unwrap();
    app.clock.advance(Duration::from_secs(wait));
    client = app.signed_in("alice").await; // the window may have outlasted the session
    assert_eq!(
        client
            .post_json("/change-password", &change(PASSWORD, NEW))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn change_passwords_budget_is_the_accounts_own() {
    let (app, client) = alice().await;
    app.register("bob").await;
    let bob = app.signed_in("bob").await;
    for _ in 0..5 {
        client
            .post_json("/change-password", &change("wrong", NEW))
            .await;
    }

    let elsewhere = client
        .clone()
        .from("198.51.100.7")
        .post_json("/change-password", &change(PASSWORD, NEW))
        .await;
    let other = bob
        .post_json("/change-password", &change(PASSWORD, NEW))
        .await;

    assert_eq!(
        (elsewhere.status.as_u16(), other.status.as_u16()),
        (429, 200)
    );
    // A stolen session that uses the budget up does not close the sign-in (SEC-035).
    assert_eq!(app.client().login("alice", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn an_account_without_a_password_cannot_change_it() {
    let (app, client) = without_password().await;

    let answer = client
        .post_json("/change-password", &change("anything", NEW))
        .await;

    assert_eq!(
        told(&answer),
        (
            400,
            r#"{"detail":"Account has no password; use /set-password to create one.","code":"no_password"}"#
        )
    );
    assert_eq!(hash(&app).await, "!nothing");
}

#[tokio::test]
async fn sec_020_no_missing_proof_changes_the_hash() {
    let (app, client) = alice().await;
    let before = hash(&app).await;
    let mut no_token = client.clone();
    no_token.csrf = None;
    let mut wrong_token = client.clone();
    wrong_token.csrf = app.signed_in("alice").await.csrf;
    let good = change(PASSWORD, NEW);

    let refused = [
        (
            app.client().post_json("/change-password", &good).await,
            401,
            "not_authenticated",
        ),
        (
            no_token.post_json("/change-password", &good).await,
            403,
            "csrf_missing",
        ),
        (
            wrong_token.post_json("/change-password", &good).await,
            403,
            "csrf_invalid",
        ),
        (
            client.post_json("/change-password", &change("", NEW)).await,
            401,
            "current_password_incorrect",
        ),
        (
            client
                .post_json("/change-password", &json!({ "new_password": NEW }))
                .await,
            422,
            "validation_error",
        ),
        (
            client
                .post_json(
                    "/change-password",
                    &json!({ "current_password": null, "new_password": NEW }),
                )
                .await,
            422,
            "validation_error",
        ),
        (
            client
                .post_json("/set-password", &json!({ "new_password": NEW }))
                .await,
            400,
            "already_has_password",
        ),
        (
            no_token
                .post_json("/set-password", &json!({ "new_password": NEW }))
                .await,
            403,
            "csrf_missing",
        ),
    ];

    for (answer, status, code) in &refused {
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (*status, *code),
            "{}",
            answer.text
        );
    }
    assert_eq!(told(&refused[1].0), (403, CSRF_MISSING));
    assert_eq!(refused[1].0.header("x-csrf-error"), Some("true"));
    assert_eq!(hash(&app).await, before);
    // A session older than ten minutes does not set a first password either.
    app.db
        .try_run("UPDATE users SET password_hash = NULL")
        .await
        .expect_err("the column is NOT NULL");
    app.db.run("UPDATE users SET password_hash = '!'").await;
    app.clock.advance(Duration::from_mins(11));
    assert_eq!(
        client
            .post_json("/set-password", &json!({ "new_password": NEW }))
            .await
            .code(),
        "recent_sign_in_required"
    );
    assert_eq!(hash(&app).await, "!");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_changes_at_once_one_wins_and_the_other_is_told() {
    let (app, client) = alice().await;

    let one = {
        let client = client.clone();
        tokio::spawn(async move {
            client
                .post_json("/change-password", &change(PASSWORD, "first of the two"))
                .await
        })
    };
    let two = {
        let client = client.clone();
        tokio::spawn(async move {
            client
                .post_json("/change-password", &change(PASSWORD, "second of the two"))
                .await
        })
    };
    let answers = [one.await.unwrap(), two.await.unwrap()];

    let won: Vec<_> = answers
        .iter()
        .enumerate()
        .filter(|(_, answer)| answer.status == 200)
        .collect();
    assert_eq!(won.len(), 1);
    let lost = answers.iter().find(|answer| answer.status != 200).unwrap();
    assert_eq!(told(lost), (401, INCORRECT));
    let kept = ["first of the two", "second of the two"][won[0].0];
    assert_eq!(app.client().login("alice", kept).await.status, 200);
}
