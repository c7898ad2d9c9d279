//! The application's hooks: each fires once, sees what it should and no more, and breaks nothing.

use crudauth::CreateUser;
use crudauth::testing::sign_in;
use serde_json::{Value, json};

use crate::spy::{Mood, UserColumns, app};
use crate::support::{self, Client, FORM, JSON, PASSWORD, SECRET};

const NEW: &str = "a wholly different one";

fn ada() -> Value {
    json!({ "email": "ada.l@x.com", "username": "ada", "password": PASSWORD })
}

/// The first words of each call: its name and what the test wrote beside it.
fn heads(calls: &[String]) -> Vec<&str> {
    calls
        .iter()
        .map(|call| {
            call.split_once(" AccountEvent")
                .or_else(|| call.split_once(" LoginFailed"))
                .or_else(|| call.split_once(" Lockout"))
                .or_else(|| call.split_once(" NewUser"))
                .or_else(|| call.split_once(" PasswordCheck"))
                .map_or(call.as_str(), |(head, _)| head)
        })
        .collect()
}

async fn login(client: &mut Client, name: &str, password: &str) -> support::Answer {
    let request = client
        .request(axum::http::Method::POST, "/login")
        .header("content-type", FORM)
        .header("user-agent", "Spoon/1.0");
    let body = format!(
        "username={}&password={}",
        support::encode(name),
        support::encode(password)
    );
    let answer = client.send(request.body(body.into()).unwrap()).await;
    client.keep(&answer);
    answer
}

#[tokio::test]
async fn each_hook_fires_once_with_what_is_known_of_its_event() {
    let app = app(Mood::Fine).await;
    let mut client = app.client.clone();

    client.post_json("/register", &ada()).await;
    assert_eq!(
        heads(&app.spy.take()),
        [
            "check_password Register Some(\"ada.l@x.com\") Some(\"ada\")",
            "new_user register",
            "after_register [192.0.2.1 no agent no transport no session]"
        ]
    );

    client.post_json("/register", &ada()).await; // taken: nobody was created
    assert_eq!(heads(&app.spy.take()).len(), 1);

    assert_eq!(login(&mut client, "ada", "wrong").await.status, 401);
    assert_eq!(login(&mut client, "no\r\none", "wrong").await.status, 401);
    assert_eq!(
        heads(&app.spy.take()),
        [
            "login_failed [192.0.2.1 Spoon/1.0 session no session] invalid Some(1) \"ada\"",
            "login_failed [192.0.2.1 Spoon/1.0 session no session] invalid None \"no\\r\\none\""
        ]
    );

    assert_eq!(login(&mut client, "ada", PASSWORD).await.status, 200);
    assert_eq!(
        heads(&app.spy.take()),
        ["after_login [192.0.2.1 Spoon/1.0 session session]"]
    );

    client
        .post_json(
            "/change-password",
            &json!({ "current_password": PASSWORD, "new_password": NEW }),
        )
        .await;
    assert_eq!(
        heads(&app.spy.take()),
        [
            "check_password Change Some(\"ada.l@x.com\") Some(\"ada\")",
            "after_password_changed [192.0.2.1 no agent session session]"
        ]
    );

    app.db.run("UPDATE users SET password_hash = '!'").await;
    client
        .post_json("/set-password", &json!({ "new_password": NEW }))
        .await;
    assert_eq!(
        heads(&app.spy.take()),
        [
            "check_password Set Some(\"ada.l@x.com\") Some(\"ada\")",
            "after_password_changed [192.0.2.1 no agent session session]"
        ]
    );

    assert_eq!(client.post("/logout").await.status, 200);
    assert_eq!(client.post("/logout").await.status, 200); // nobody is signed in any more
    assert_eq!(
        heads(&app.spy.take()),
        ["after_logout [192.0.2.1 no agent session session]"]
    );

    app.auth.users().disable(&1).await.unwrap();
    assert_eq!(login(&mut client, "ada", NEW).await.status, 401);
    assert_eq!(login(&mut client, "ada", "wrong").await.status, 401);
    let calls = app.spy.take();
    assert_eq!(
        heads(&calls),
        [
            "login_failed [192.0.2.1 Spoon/1.0 session no session] inactive Some(1) \"ada\"",
            "login_failed [192.0.2.1 Spoon/1.0 session no session] invalid Some(1) \"ada\""
        ]
    );

    let stranger = app.client.clone().from("198.51.100.7");
    for _ in 0..5 {
        login(&mut stranger.clone(), "eve", "wrong").await;
    }
    app.spy.take();
    assert_eq!(
        login(&mut stranger.clone(), "eve", "wrong").await.status,
        429
    );
    assert_eq!(
        heads(&app.spy.take()),
        ["lockout [198.51.100.7 Spoon/1.0 session no session] 60 None"]
    );
}

#[tokio::test]
async fn a_session_opened_for_a_test_or_an_account_made_by_the_application_has_no_origin() {
    let app = app(Mood::Fine).await;
    let columns = UserColumns::default();
    let new = CreateUser {
        email: Some("root@x.com".to_owned()),
        username: Some("root".to_owned()),
        password: PASSWORD.to_owned(),
        columns,
        email_verified: true,
        superuser: true,
    };

    let id = app.auth.users().create(new).await.unwrap();
    sign_in(&app.auth, &id).await.unwrap();

    assert_eq!(
        heads(&app.spy.take()),
        [
            "check_password Register Some(\"root@x.com\") Some(\"root\")",
            "new_user application",
            "after_register [no ip no agent no transport no session]"
        ]
    );
}

#[tokio::test]
async fn new_user_fills_the_columns_and_a_failing_one_leaves_them_as_they_were() {
    for (mood, name, plan) in [
        (Mood::Fine, Some("ada.l"), "trial"),
        (Mood::Fails, None, "free"),
        (Mood::Panics, None, "free"),
    ] {
        let app = app(mood).await;

        let answer = app.client.post_json("/register", &ada()).await;

        assert_eq!(
            answer.text, r#"{"id":1,"email":"ada.l@x.com","username":"ada"}"#,
            "{mood:?}"
        );
        let row: (Option<String>, String) = app
            .db
            .query("SELECT display_name, plan FROM users")
            .row()
            .await;
        assert_eq!((row.0.as_deref(), row.1.as_str()), (name, plan), "{mood:?}");
    }
}

#[tokio::test]
async fn failing_hooks_change_no_answer() {
    for mood in [Mood::Fine, Mood::Fails, Mood::Panics] {
        assert_eq!(
            everything(mood).await,
            [200, 401, 200, 200, 200, 200],
            "{mood:?}"
        );
    }
}

/// One account's life, as statuses.
async fn everything(mood: Mood) -> Vec<u16> {
    let app = app(mood).await;
    let mut client = app.client.clone();
    let mut statuses = vec![client.post_json("/register", &ada()).await.status.as_u16()];
    statuses.push(login(&mut client, "ada", "wrong").await.status.as_u16());
    statuses.push(login(&mut client, "ada", PASSWORD).await.status.as_u16());
    statuses.push(
        client
            .post_json(
                "/change-password",
                &json!({ "current_password": PASSWORD, "new_password": NEW }),
            )
            .await
            .status
            .as_u16(),
    );
    statuses.push(client.get("/me").await.status.as_u16());
    statuses.push(client.post_body("/logout", JSON, "").await.status.as_u16());
    statuses
}

#[tokio::test]
async fn check_password_refuses_with_its_sentence_and_only_after_the_built_in_rules() {
    let app = app(Mood::Fine).await;
    let with =
        |password: &str| json!({ "email": "ada.l@x.com", "username": "ada", "password": password });

    let short = app.client.post_json("/register", &with("leaked")).await;
    assert_eq!(app.spy.take(), Vec::<String>::new()); // not asked: the built-in rules had refused it
    let leaked = app
        .client
        .post_json("/register", &with("leaked years ago"))
        .await;

    assert_eq!(short.json()["detail"][0]["type"], "string_too_short");
    assert_eq!(
        (leaked.status.as_u16(), leaked.text.as_str()),
        (
            422,
            r#"{"detail":[{"type":"password_policy","loc":["body","password"],"msg":"This password was found in a leak."}],"code":"validation_error"}"#
        )
    );
    // A check that panics is no way around itself.
    let cursed = app
        .client
        .post_json("/register", &with("cursed years ago"))
        .await;
    assert_eq!(
        (
            cursed.status.as_u16(),
            cursed.json()["detail"][0]["type"].as_str()
        ),
        (422, Some("password_policy"))
    );
    let mut client = app.client.clone();
    client.post_json("/register", &ada()).await;
    login(&mut client, "ada", PASSWORD).await;
    let changed = client
        .post_json(
            "/change-password",
            &json!({ "current_password": PASSWORD, "new_password": "leaked years ago" }),
        )
        .await;
    assert_eq!(
        changed.text,
        leaked.text.replace("\"password\"]", "\"new_password\"]")
    );
    assert_eq!(
        login(&mut app.client.clone(), "ada", PASSWORD).await.status,
        200
    );
}

#[tokio::test]
async fn sec_139_no_event_shows_a_hash_or_a_password() {
    let app = app(Mood::Fine).await;
    let mut client = app.client.clone();
    client.post_json("/register", &ada()).await;
    login(&mut client, "ada", "wrong marker").await;
    login(&mut client, "ada", PASSWORD).await;
    client
        .post_json(
            "/change-password",
            &json!({ "current_password": PASSWORD, "new_password": NEW }),
        )
        .await;
    client.post("/logout").await;
    let hash: String = app
        .db
        .query("SELECT password_hash FROM users")
        .scalar()
        .await;
    let user = app.auth.users().find(&1).await.unwrap().unwrap();

    let all = format!("{:?} {user:?} {:?}", app.spy.take(), app.auth);

    assert!(all.contains("after_password_changed") && all.contains("[redacted]"));
    for secret in [
        "$argon2",
        &hash,
        PASSWORD,
        NEW,
        "wrong marker",
        SECRET,
        client.csrf.as_deref().unwrap(),
    ] {
        assert!(!all.contains(secret), "{secret}");
    }
}
