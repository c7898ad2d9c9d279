//! What the application's own code does with accounts, and what no request can do to them.

use crudauth::{CreateError, CreateUser};
use serde_json::json;

use crate::support::{Auth, Client, PASSWORD, TestApp, User, UserColumns};

fn new(name: &str) -> CreateUser<User> {
    CreateUser {
        email: Some(format!("{name}@example.com")),
        username: Some(name.to_owned()),
        password: PASSWORD.to_owned(),
        columns: UserColumns {
            full_name: None,
            plan: "free".to_owned(),
        },
        email_verified: false,
        superuser: false,
    }
}

async fn create(auth: &Auth, user: CreateUser<User>) -> Result<i64, CreateError> {
    auth.users().create(user).await
}

#[tokio::test]
async fn the_first_administrator_is_made_by_the_application() {
    let app = TestApp::start().await;
    let root = CreateUser {
        superuser: true,
        email_verified: true,
        columns: UserColumns {
            full_name: Some("Root".to_owned()),
            plan: "gold".to_owned(),
        },
        ..new("root")
    };

    let id = create(&app.auth, root).await.unwrap();

    let client = app.signed_in("root").await;
    assert_eq!(client.get("/admin").await.text, format!(r#"{{"id":{id}}}"#));
    assert_eq!(client.get("/billing").await.status, 200);
    let user = app.auth.users().find(&id).await.unwrap().unwrap();
    assert_eq!(
        (
            user.full_name.as_deref(),
            user.plan.as_str(),
            user.is_superuser,
            user.email_verified,
            user.is_active
        ),
        (Some("Root"), "gold", true, true, true)
    );
}

#[tokio::test]
async fn an_account_of_the_applications_follows_the_rules_of_a_sign_up_and_no_limit() {
    let app = TestApp::start().await;
    for n in 0..8 {
        create(&app.auth, new(&format!("u{n}"))).await.unwrap();
    }
    let auth = &app.auth;
    let email = |text: Option<&str>| CreateUser {
        email: text.map(str::to_owned),
        ..new("fresh")
    };
    let name = |text: Option<&str>| CreateUser {
        username: text.map(str::to_owned),
        ..new("fresh")
    };
    let password = |text: &str| CreateUser {
        password: text.to_owned(),
        ..new("fresh")
    };

    assert!(matches!(
        create(auth, email(Some("U1@Example.com"))).await,
        Err(CreateError::EmailTaken)
    ));
    assert!(matches!(
        create(auth, email(Some("Ada <a@b.com>"))).await,
        Err(CreateError::Email(_))
    ));
    assert!(matches!(
        create(auth, email(None)).await,
        Err(CreateError::Email(_))
    ));
    assert!(matches!(
        create(auth, name(Some("\u{ff35}1"))).await,
        Err(CreateError::UsernameTaken)
    ));
    assert!(matches!(
        create(auth, name(Some(" u1"))).await,
        Err(CreateError::Username(_))
    ));
    assert!(matches!(
        create(auth, name(None)).await,
        Err(CreateError::Username(_))
    ));
    for weak in ["short", "password123", "fresh-2024-x", &"x".repeat(1025)] {
        let refused = create(auth, password(weak)).await.unwrap_err();
        assert!(
            matches!(&refused, CreateError::Password(rules) if !rules.is_empty()),
            "{refused:?}"
        );
        assert!(!refused.to_string().contains(weak));
    }
    assert_eq!(app.count("SELECT count(*) FROM users").await, 8);
}

#[tokio::test]
async fn accounts_are_found_by_key_address_and_name() {
    let app = TestApp::start().await;
    let id = app.register("Ada").await;
    let users = app.auth.users();

    assert_eq!(users.find(&id).await.unwrap().unwrap().username, "Ada");
    assert_eq!(
        users
            .find_by_email(" ADA@Example.com")
            .await
            .unwrap()
            .unwrap()
            .id,
        id
    );
    assert_eq!(users.find_by_username("Ada").await.unwrap().unwrap().id, id);
    assert_eq!(users.find_by_key("1").await.unwrap().unwrap().id, id);
    assert!(users.find(&99).await.unwrap().is_none());
    assert!(users.find_by_email("Ada").await.unwrap().is_none());
    for stranger in ["ada", "ADA", "Ada ", "Ada\0", ""] {
        assert!(
            users.find_by_username(stranger).await.unwrap().is_none(),
            "{stranger:?}"
        );
    }
    for spelling in [
        "01",
        "+1",
        " 1",
        "1 ",
        "1.0",
        "0x1",
        "",
        "\u{661}",
        "9223372036854775808",
        "1\0",
    ] {
        assert!(
            users.find_by_key(spelling).await.unwrap().is_none(),
            "{spelling:?}"
        );
    }
}

/// Every door that a session opens.
async fn doors(client: &Client) -> Vec<u16> {
    let mut statuses = Vec::new();
    for path in ["/me", "/dashboard", "/sessions"] {
        statuses.push(client.get(path).await.status.as_u16());
    }
    let change = json!({ "current_password": PASSWORD, "new_password": "a wholly different one" });
    statuses.push(
        client
            .post_json("/change-password", &change)
            .await
            .status
            .as_u16(),
    );
    statuses.push(
        client
            .post_json(
                "/set-password",
                &json!({ "new_password": "a wholly different one" }),
            )
            .await
            .status
            .as_u16(),
    );
    statuses.push(client.post("/csrf/refresh").await.status.as_u16());
    statuses.push(
        client
            .post("/logout-all?keep_current=true")
            .await
            .status
            .as_u16(),
    );
    statuses
}

/// Advisory 11: what is held stops working at every door, at once.
#[tokio::test]
async fn disabling_an_account_closes_every_door_to_what_it_holds() {
    let app = TestApp::start().await;
    let id = app.register("ada").await;
    let (one, two) = (app.signed_in("ada").await, app.signed_in("ada").await);
    let mut remembered = app.client();
    remembered
        .login_with("ada", PASSWORD, "&remember_me=true")
        .await;

    assert!(app.auth.users().disable(&id).await.unwrap());

    for held in [&one, &two, &remembered] {
        assert_eq!(doors(held).await, [401; 7]);
    }
    assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 0);
    let mut back = app.client();
    let refused = back.login("ada", PASSWORD).await;
    assert_eq!(
        (refused.status.as_u16(), refused.text.as_str()),
        (
            401,
            r#"{"detail":"Incorrect username or password","code":"incorrect_credentials"}"#
        )
    );
    assert!(app.auth.users().enable(&id).await.unwrap());
    assert_eq!(one.get("/me").await.status, 401); // enabling brings no session back
    assert_eq!(back.login("ada", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn an_account_disabled_by_the_applications_own_sql_is_out_at_once_too() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let ada = app.signed_in("ada").await;

    app.db.run("UPDATE users SET is_active = FALSE").await;

    assert_eq!(doors(&ada).await, [401; 7]);
    assert_eq!(app.client().login("ada", PASSWORD).await.status, 401);
}

#[tokio::test]
async fn deleting_an_account_closes_every_door_and_frees_its_names() {
    let app = TestApp::start().await;
    let id = app.register("ada").await;
    let ada = app.signed_in("ada").await;

    assert!(app.auth.users().delete(&id).await.unwrap());

    assert_eq!(doors(&ada).await, [401; 7]);
    assert_eq!(app.client().login("ada", PASSWORD).await.status, 401);
    assert_eq!(app.count("SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM auth_sessions) + (SELECT count(*) FROM auth_usernames)").await, 0);
    assert_ne!(app.register("ADA").await, id);
    assert_eq!(ada.get("/me").await.status, 401);
}

#[tokio::test]
async fn sec_126_what_is_granted_or_taken_away_counts_from_the_next_request_on() {
    let app = TestApp::start().await;
    let id = app.register("ada").await;
    let ada = app.signed_in("ada").await;
    let users = app.auth.users();

    assert_eq!(
        (
            ada.get("/admin").await.status.as_u16(),
            ada.get("/billing").await.status.as_u16()
        ),
        (403, 403)
    );
    users.grant_superuser(&id).await.unwrap();
    users.set_verified(&id, true).await.unwrap();
    assert_eq!(
        (
            ada.get("/admin").await.status.as_u16(),
            ada.get("/billing").await.status.as_u16()
        ),
        (200, 200)
    );
    users.revoke_superuser(&id).await.unwrap();
    users.set_verified(&id, false).await.unwrap();
    assert_eq!(
        (
            ada.get("/admin").await.code().as_str(),
            ada.get("/billing").await.code().as_str()
        ),
        ("insufficient_privileges", "not_verified")
    );
}

#[tokio::test]
async fn a_change_to_nobody_says_so() {
    let app = TestApp::start().await;
    let users = app.auth.users();

    assert!(!users.disable(&9).await.unwrap() && !users.enable(&9).await.unwrap());
    assert!(
        !users.grant_superuser(&9).await.unwrap() && !users.revoke_superuser(&9).await.unwrap()
    );
    assert!(!users.set_verified(&9, true).await.unwrap() && !users.delete(&9).await.unwrap());
    users.unlock(&9).await.unwrap();
}

/// Advisory 8: one budget per account, however it is named, and a success elsewhere gives nothing back.
#[tokio::test]
async fn failures_add_up_over_the_spellings_of_one_account_until_it_is_unlocked() {
    let app = TestApp::start().await;
    let id = app.register("Ada").await;
    app.register("bob").await;
    let from = |n: usize| app.client().from(&format!("198.51.100.{n}"));

    for (n, name) in [
        "Ada",
        "ada@example.com",
        "ADA@Example.com",
        " ada@example.com ",
        "\u{ff41}da@example.com",
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(from(n + 1).login(name, "wrong").await.status, 401, "{name}");
        assert_eq!(from(n + 1).login("bob", PASSWORD).await.status, 200);
    }
    for name in ["Ada", "ada@example.com"] {
        assert_eq!(from(50).login(name, PASSWORD).await.status, 429, "{name}");
    }
    app.auth.users().unlock(&id).await.unwrap();
    assert_eq!(from(51).login("Ada", PASSWORD).await.status, 200);
}
