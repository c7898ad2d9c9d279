//! What the application's own code does with accounts, and what no request can do to them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod support;

use crudauth::{CreateError, CreateUser};
use serde_json::{Value, json};
use support::{Auth, Client, JSON, PASSWORD, TestApp, User, UserColumns};

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
    users.set_email_verified(&id, true).await.unwrap();
    assert_eq!(
        (
            ada.get("/admin").await.status.as_u16(),
            ada.get("/billing").await.status.as_u16()
        ),
        (200, 200)
    );
    users.revoke_superuser(&id).await.unwrap();
    users.set_email_verified(&id, false).await.unwrap();
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
    assert!(!users.set_email_verified(&9, true).await.unwrap() && !users.delete(&9).await.unwrap());
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

/// Advisories 3 and 19: who one is comes from the credential, and what one may set from the allow-list.
#[tokio::test]
async fn sec_127_no_body_sets_what_is_not_opened() {
    let app = TestApp::start().await;
    let columns = "SELECT id || ' ' || plan || ' ' || email_verified || ' ' || is_active || ' ' || is_superuser || ' ' || (password_hash LIKE '$argon2id$%') || ' ' || (token_version <> 7) FROM users WHERE username = $1";
    let corpus: Vec<Value> = vec![
        json!({ "is_superuser": true, "email_verified": true, "is_active": false, "plan": "gold", "token_version": 7, "id": 77, "password_hash": "x", "hashed_password": "x" }),
        json!({ "isSuperuser": true, "emailVerified": true, "isActive": false, "tokenVersion": 7, "passwordHash": "x", "Id": 77, "Plan": "gold" }),
        json!({ "IS_SUPERUSER": true, "Is_Superuser": true, "is-superuser": true, "is superuser": true, "\u{ff49}s_superuser": true }),
        json!({ "user": { "is_superuser": true, "plan": "gold" }, "columns": { "plan": "gold" }, "account": { "id": 77 }, "data": [{ "is_superuser": true }] }),
        json!({ "user.is_superuser": true, "user[is_superuser]": true, "is_superuser[]": true, "$set": { "is_superuser": true }, "__proto__": { "is_superuser": true }, "constructor": { "prototype": { "is_superuser": true } } }),
        json!({ "is_superuser": "true", "is_active": 0, "plan": ["gold"], "id": "77", "scopes": ["admin"], "role": "admin", "admin": 1 }),
    ];

    for (n, privileges) in corpus.iter().enumerate() {
        let name = format!("u{n}");
        let mut body =
            json!({ "email": format!("{name}@x.com"), "username": name, "password": PASSWORD });
        body.as_object_mut()
            .unwrap()
            .extend(privileges.as_object().unwrap().clone());
        let answer = app
            .client()
            .from(&format!("198.51.100.{}", n + 1))
            .post_json("/register", &body)
            .await;
        assert_eq!(
            answer.text,
            format!(
                r#"{{"id":{},"email":"{name}@x.com","username":"{name}"}}"#,
                n + 1
            )
        );
        let row: String = sqlx::query_scalar(columns)
            .bind(&name)
            .fetch_one(&app.db)
            .await
            .unwrap();
        assert_eq!(row, format!("{} free 0 1 0 1 1", n + 1), "{privileges}");
    }
    // The same key twice is no second chance, whichever spelling of JSON hides it.
    for twice in [
        r#""plan":"a","plan":"b""#,
        r#""username":"x","username":"y""#,
        r#""username":"x","usern\u0061me":"y""#,
    ] {
        let answer = app
            .client()
            .post_body(
                "/register",
                JSON,
                format!(r#"{{"email":"x@x.com","password":"{PASSWORD}",{twice}}}"#),
            )
            .await;
        assert_eq!(
            (
                answer.status.as_u16(),
                answer.json()["detail"][0]["type"].as_str()
            ),
            (422, Some("duplicate_field")),
            "{twice}"
        );
    }
    assert_eq!(app.count("SELECT count(*) FROM users").await, 6);
}

#[tokio::test]
async fn no_identity_is_taken_from_a_body_a_query_or_a_header() {
    let app = TestApp::start().await;
    let victim = app.register("victim").await;
    app.register("ada").await;
    let ada = app.signed_in("ada").await;
    let hash =
        "SELECT group_concat(password_hash || token_version) FROM users WHERE username = 'victim'";
    let before: String = sqlx::query_scalar(hash).fetch_one(&app.db).await.unwrap();
    let claims = json!({ "userId": victim, "user_id": victim, "id": victim, "sub": victim.to_string(), "username": "victim", "email": "victim@example.com", "new_password": "a wholly different one", "current_password": PASSWORD });

    for path in [
        "/set-password",
        "/change-password",
        "/logout-all",
        "/csrf/refresh",
    ] {
        let path = format!("{path}?userId={victim}&user_id={victim}&id={victim}");
        let stranger = app.client();
        let request = stranger
            .request(axum::http::Method::POST, &path)
            .header("x-user-id", victim)
            .header("x-forwarded-user", "victim")
            .header("authorization", "Bearer victim");
        let answer = stranger
            .send(
                request
                    .header("content-type", JSON)
                    .body(claims.to_string().into())
                    .unwrap(),
            )
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (401, "not_authenticated"),
            "{path}"
        );
    }
    let me = ada
        .get(&format!("/me?user_id={victim}&userId={victim}"))
        .await;
    assert_eq!(me.json()["username"], "ada");
    let changed = ada.post_json("/change-password", &claims).await; // ada's own password is the same one
    assert_eq!(changed.status, 200, "{}", changed.text);
    let after: String = sqlx::query_scalar(hash).fetch_one(&app.db).await.unwrap();
    assert_eq!(after, before);
    assert_eq!(app.client().login("victim", PASSWORD).await.status, 200);
}

/// Advisory 20: only the whole value, exactly as issued, is a credential.
#[tokio::test]
async fn no_part_of_a_cookie_and_no_changed_one_is_a_credential() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let ada = app.signed_in("ada").await;
    let cookie = ada.cookies["session_id"].clone();
    let with = |value: String| {
        let mut client = ada.clone();
        client.cookies.insert("session_id".to_owned(), value);
        client
    };
    let prefixes = (0..cookie.len()).map(|end| cookie[..end].to_owned());
    let suffixes = (1..cookie.len()).map(|start| cookie[start..].to_owned());
    let flipped = (0..cookie.len() * 8).filter_map(|bit| {
        let mut bytes = cookie.clone().into_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        String::from_utf8(bytes).ok().filter(|text| {
            text.bytes()
                .all(|byte| byte.is_ascii_graphic() && !b";,\"\\".contains(&byte))
        })
    });
    let others = [
        "null",
        "undefined",
        "true",
        "*",
        "%00",
        &format!("{cookie}="),
        &format!("{cookie}."),
        &format!(".{cookie}"),
        &cookie.to_lowercase(),
        &cookie.to_uppercase(),
        &format!("%{:02X}{}", cookie.as_bytes()[0], &cookie[1..]),
    ]
    .map(str::to_owned);

    let mut tried = 0;
    for value in prefixes.chain(suffixes).chain(flipped).chain(others) {
        assert_eq!(
            with(value.clone()).get("/me").await.status,
            401,
            "{value:?}"
        );
        tried += 1;
    }
    assert!(tried > 300, "{tried}");

    // The CSRF token likewise: a live session, and every part and change of its token refused.
    let token = ada.csrf.clone().unwrap();
    let changed = (0..token.len()).map(|at| {
        format!(
            "{}{}{}",
            &token[..at],
            if token.as_bytes()[at] == b'0' {
                '1'
            } else {
                '0'
            },
            &token[at + 1..]
        )
    });
    for value in (0..token.len())
        .map(|end| token[..end].to_owned())
        .chain(changed)
        .chain([token.to_uppercase(), format!("{token}0")])
    {
        let mut client = ada.clone();
        client.csrf = Some(value.clone());
        assert_eq!(client.post("/logout").await.status, 403, "{value:?}");
    }
    assert_eq!(ada.get("/me").await.status, 200);
    assert_eq!(ada.post("/logout").await.status, 200);
}
