//! Tokens over HTTP: every row of the wire contract's `/token`, `/refresh` and bearer guard.

use std::time::Duration;

use serde_json::json;

use crate::support::{self, PASSWORD};
use crate::tokens;
use crate::tokens::{Pair, app};

#[tokio::test]
async fn a_program_signs_in_is_served_and_renews_its_token() {
    let app = app().await;
    let id = app.register("ada").await;

    let answer = app.token("ada", PASSWORD, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    assert_eq!(body["token_type"], "bearer");
    assert_eq!(body["expires_in"], 900);
    assert_eq!(body["scope"], "read");
    assert!(
        answer.set_cookies().is_empty(),
        "{:?}",
        answer.set_cookies()
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let pair = Pair::of(&answer);

    let me = app.get("/me", &pair.access).await;
    assert_eq!(
        me.json(),
        json!({ "user_id": id, "username": "ada", "email": "ada@example.com", "is_superuser": false,
            "scopes": ["read"], "via": "bearer" })
    );

    app.clock.advance(Duration::from_mins(16));
    assert_eq!(app.get("/me", &pair.access).await.status, 401);
    let renewed = app.refresh(&pair.refresh).await;
    assert_eq!(renewed.status, 200, "{}", renewed.text);
    let renewed = Pair::of(&renewed);
    assert_ne!(renewed.refresh, pair.refresh);
    assert_eq!(app.get("/me", &renewed.access).await.status, 200);
}

#[tokio::test]
async fn one_handler_serves_both_transports() {
    let app = app().await;
    let id = app.register("ada").await;
    let browser = app.signed_in("ada").await;
    let pair = app.pair("ada").await;

    assert_eq!(
        browser.get("/dashboard").await.json(),
        json!({ "id": id, "via": "session" })
    );
    assert_eq!(
        app.get("/dashboard", &pair.access).await.json(),
        json!({ "id": id, "via": "bearer" })
    );
    // A token needs no CSRF token; a cookie does.
    let posted = app.post_json("/dashboard", &pair.access, &json!({})).await;
    assert_eq!(posted.status, 200, "{}", posted.text);
    let mut bare = browser.clone();
    bare.csrf = None;
    assert_eq!(bare.post("/dashboard").await.code(), "csrf_missing");
    // One way only.
    assert_eq!(app.get("/machines", &pair.access).await.status, 200);
    assert_eq!(browser.get("/machines").await.code(), "not_authenticated");
}

#[tokio::test]
async fn a_scope_is_granted_when_it_is_asked_for_and_grantable() {
    let app = app().await;
    app.register("ada").await;
    for (asked, granted) in [
        ("", json!(["read"])),
        ("&scope=", json!(["read"])),
        ("&scope=reports%3Aread", json!(["reports:read"])),
        (
            "&scope=reports%3Aread+read+admin",
            json!(["read", "reports:read"]),
        ),
        ("&scope=admin", json!([])),
    ] {
        let pair = app.pair_with("ada", asked).await;
        assert_eq!(
            app.get("/me", &pair.access).await.json()["scopes"],
            granted,
            "{asked}"
        );
        let reports = app.get("/reports", &pair.access).await;
        if granted.as_array().unwrap().contains(&json!("reports:read")) {
            assert_eq!(reports.status, 200);
        } else {
            assert_eq!(reports.code(), "insufficient_scope");
            assert_eq!(
                reports.header("www-authenticate"),
                Some(r#"Bearer error="insufficient_scope""#)
            );
        }
    }
    let browser = app.signed_in("ada").await;
    assert_eq!(browser.get("/reports").await.code(), "insufficient_scope");
}

/// Accounts of another kind, in a table of their own.
#[derive(Debug, Clone, crudauth::AuthUser)]
#[auth(table = "staff")]
struct Member {
    id: i64,
    username: String,
    password_hash: crudauth::PasswordHash,
}

crudauth::auth! {
    #[database(sqlite, postgres)]
    #[bearer(refresh = "off")]
    #[tables(prefix = "staff_")]
    struct Staff<Member>;
}

crudauth::auth! {
    #[database(sqlite, postgres)]
    #[bearer(refresh = "off")]
    #[tables(prefix = "guest_")]
    struct Guests<Guest>;
}

#[derive(Debug, Clone, crudauth::AuthUser)]
#[auth(table = "guests")]
struct Guest {
    id: i64,
    username: String,
    password_hash: crudauth::PasswordHash,
}

/// Two kinds of accounts under one secret: both have an account 1, and neither table has an epoch.
#[tokio::test]
async fn a_token_of_another_authority_is_nobodys() {
    macro_rules! started {
        ($auth:ident, $user:ident) => {{
            use crudauth::testing::TestBuilder as _;
            let file = support::TempDb::new();
            let pool = support::pool(&file.url(), 2).await;
            pool.run($user::create_table_sql(pool.dialect())).await;
            let auth = $auth::builder(pool)
                .secret(support::SECRET)
                .cheap_hashing()
                .manual_workers()
                .await
                .unwrap();
            let client = support::Client::new(auth.router().with_state(()));
            let body = json!({ "username": "ada", "password": PASSWORD });
            assert_eq!(client.post_json("/register", &body).await.status, 200);
            let access = Pair::of(&tokens::token(&client, "ada", PASSWORD, "").await).access;
            (client, access, file)
        }};
    }
    let (staff, of_staff, _one) = started!(Staff, Member);
    let (guests, of_guest, _two) = started!(Guests, Guest);

    let me = |client: support::Client, access: String| async move {
        tokens::send(&client, axum::http::Method::GET, "/me", &access, None).await
    };
    assert_eq!(me(staff.clone(), of_staff.clone()).await.status, 200);
    assert_eq!(me(guests.clone(), of_guest.clone()).await.status, 200);
    assert_eq!(me(staff, of_guest).await.code(), "invalid_token");
    assert_eq!(me(guests, of_staff).await.code(), "invalid_token");
}
