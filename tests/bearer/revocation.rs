//! Revocation (RFC 7009) and introspection (RFC 7662): who may ask, and how little is told (SEC-084, SEC-085).

use std::time::Duration;

use axum::http::{HeaderMap, Method};
use crudauth::auth;
use crudauth::bearer::Claims;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::custom;
use crate::support::{Answer, FORM, JSON, PASSWORD, User, encode};
use crate::tokens::{App, Pair, app, send, token};

/// 200, without a word.
fn is_done(answer: &Answer, what: &str) {
    assert_eq!(
        (answer.status.as_u16(), answer.text.as_str()),
        (200, ""),
        "{what}"
    );
    assert!(answer.set_cookies().is_empty());
}

async fn live(app: &App, pair: &Pair) -> bool {
    app.get("/me", &pair.access).await.status == 200
}

#[tokio::test]
async fn sec_084_revoking_says_nothing_of_the_token() {
    let app = app().await;
    for name in ["ada", "bob"] {
        app.register(name).await;
    }
    let (asker, own, other, bobs) = (
        app.pair("ada").await,
        app.pair("ada").await,
        app.pair("ada").await,
        app.pair("bob").await,
    );
    let gone = app.pair("ada").await;
    app.auth.tokens().revoke(&gone.refresh).await.unwrap();
    let revoke = async |token: &str| {
        let form = format!("token={}&token_type_hint=password", encode(token));
        app.post_form("/token/revoke", &asker.access, &form).await
    };
    for (what, token) in [
        ("foreign", bobs.refresh.as_str()),
        ("foreign access", &bobs.access),
        ("gone", &gone.refresh),
        ("gone access", &gone.access),
        ("garbage", "garbage"),
        ("of the right length", &"A".repeat(72)),
        ("tampered", &format!("{}x", own.access)),
    ] {
        is_done(&revoke(token).await, what);
    }
    for pair in [&own, &other, &asker, &bobs] {
        assert!(live(&app, pair).await);
    }
    assert_eq!(app.refresh(&bobs.refresh).await.status, 200);

    // One of an older generation names its family all the same; and so does an access token.
    let first = own.clone();
    let second = Pair::of(&app.refresh(&first.refresh).await);
    app.clock.advance(Duration::from_mins(1));
    is_done(&revoke(&first.refresh).await, "used");
    assert!(!live(&app, &first).await && !live(&app, &second).await);
    assert_eq!(app.refresh(&second.refresh).await.status, 401);
    is_done(&revoke(&other.access).await, "access");
    assert_eq!(app.refresh(&other.refresh).await.status, 401);
    assert!(live(&app, &asker).await);
    is_done(&revoke(&asker.access).await, "its own");
    assert_eq!(revoke(&asker.access).await.status, 401);
}

#[tokio::test]
async fn sec_084_sec_085_only_who_is_signed_in_may_ask() {
    let app = app().await;
    app.register("ada").await;
    let (pair, browser) = (app.pair("ada").await, app.signed_in("ada").await);
    for path in ["/token/revoke", "/token/introspect"] {
        let form = format!("token={}", pair.refresh);
        let answer = app.client().post_body(path, FORM, form.clone()).await;
        assert_eq!(answer.status, 401);
        assert_eq!(
            answer.json(),
            json!({ "detail": "Not authenticated", "code": "not_authenticated",
                "error": "invalid_client", "error_description": "Not authenticated" })
        );
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        let answer = app.post_form(path, "a.b.c", &form).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (401, "invalid_token".into())
        );
        // Before the body is read.
        let answer = app.client().post_body(path, JSON, "{").await;
        assert_eq!(answer.status, 401);
        let mut foreign = browser.clone();
        foreign.csrf = None;
        let answer = foreign.post_body(path, FORM, form.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (403, "csrf_missing".into())
        );
        let answer = app.post_form(path, &pair.access, "").await;
        assert_eq!(answer.status, 422, "{}", answer.text);
        assert_eq!(answer.json()["error"], "invalid_request");
        assert!(live(&app, &pair).await);
    }
    let form = format!("token={}", pair.refresh);
    is_done(
        &browser.post_body("/token/revoke", FORM, form).await,
        "session",
    );
    assert!(!live(&app, &pair).await);
}

/// All but the one that names the request.
fn headers(answer: &Answer) -> HeaderMap {
    let mut headers = answer.headers.clone();
    headers.remove("x-request-id").unwrap();
    headers
}

#[tokio::test]
async fn sec_085_whatever_is_dead_or_anothers_is_inactive_and_no_more() {
    let app = app().await;
    for name in ["ada", "bob", "eve"] {
        app.register(name).await;
    }
    let old = app.pair("ada").await;
    app.clock.advance(Duration::from_mins(16));
    let (spent, revoked) = (app.pair("ada").await, app.pair("ada").await);
    app.refresh(&spent.refresh).await;
    app.auth.tokens().revoke(&revoked.refresh).await.unwrap();
    let (bobs, eves) = (app.pair("bob").await, app.pair("eve").await);
    app.db
        .run("UPDATE users SET is_active = FALSE WHERE username = 'eve'")
        .await;
    let asker = app.pair("ada").await.access;
    let ask = async |asker: &str, token: &str| {
        let form = format!("token={}", encode(token));
        app.post_form("/token/introspect", asker, &form).await
    };
    let dead = [
        ("expired", old.access.as_str()),
        ("spent", &spent.refresh),
        ("revoked", &revoked.refresh),
        ("of a revoked family", &revoked.access),
        ("disabled", &eves.access),
        ("disabled, to renew", &eves.refresh),
        ("garbage", "garbage"),
        ("tampered", &format!("{}x", old.access)),
        ("forged", &"A".repeat(72)),
    ];
    let foreign = [
        ("foreign", bobs.access.as_str()),
        ("foreign, to renew", &bobs.refresh),
    ];
    let like = ask(&asker, "x").await;
    for (what, token) in dead.iter().chain(&foreign) {
        let told = ask(&asker, token).await;
        assert_eq!(
            (told.status.as_u16(), told.text.as_str()),
            (200, r#"{"active":false}"#),
            "{what}"
        );
        assert_eq!(headers(&told), headers(&like), "{what}");
    }
    assert!(live(&app, &spent).await, "asking ends nothing");

    app.db
        .run("UPDATE users SET is_superuser = TRUE WHERE username = 'ada'")
        .await;
    for (what, token) in dead {
        assert_eq!(
            ask(&asker, token).await.text,
            r#"{"active":false}"#,
            "{what}"
        );
    }
    for (what, token) in foreign {
        let told = ask(&asker, token).await.json();
        assert_eq!(
            (&told["active"], &told["username"]),
            (&json!(true), &json!("bob")),
            "{what}"
        );
    }
}

#[tokio::test]
async fn introspection_describes_ones_own_tokens() {
    let app = app().await;
    let id = app.register("ada").await;
    let begun = app.clock.now().as_secs();
    let pair = app.pair_with("ada", "&scope=read+reports%3Aread").await;
    let ask = async |token: &str| {
        let form = format!("token={token}&token_type_hint=refresh_token");
        let answer = app
            .post_form("/token/introspect", &pair.access, &form)
            .await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        answer.json()
    };
    assert_eq!(
        ask(&pair.access).await,
        json!({ "active": true, "scope": "read reports:read", "username": "ada", "token_type": "bearer",
            "sub": id.to_string(), "iat": begun, "exp": begun + 900 })
    );
    assert_eq!(
        ask(&pair.refresh).await,
        json!({ "active": true, "scope": "read reports:read", "username": "ada", "token_type": "refresh_token",
            "sub": id.to_string(), "iat": begun, "exp": begun + 30 * 24 * 3600 })
    );
    app.clock.advance(Duration::from_mins(10));
    let next = Pair::of(&app.refresh(&pair.refresh).await);
    let told = ask(&next.refresh).await;
    assert_eq!(
        (&told["iat"], &told["exp"]),
        (&json!(begun + 600), &json!(begun + 30 * 24 * 3600))
    );
}

/// Claims that are called as what introspection says by itself.
#[derive(Debug, Serialize, Deserialize)]
struct Confusing {
    active: bool,
    scope: String,
    username: String,
    client_id: String,
    plan: String,
}

impl Claims<User> for Confusing {
    fn of(user: &User) -> Self {
        Self {
            active: false,
            scope: "admin".into(),
            username: "root".into(),
            client_id: "bank".into(),
            plan: user.plan.clone(),
        }
    }
}

auth! {
    #[database(sqlite, postgres)]
    #[bearer(refresh(deliver = "body"), introspection, claims(Confusing))]
    struct Claiming<User>;
}

#[tokio::test]
async fn an_applications_claim_takes_nobodys_place_in_introspection() {
    let app = custom!(Claiming);
    app.register("ada").await;
    let access = Pair::of(&token(&app.client(), "ada", PASSWORD, "").await).access;
    let form = Some((FORM, format!("token={access}")));
    let told = send(
        &app.client(),
        Method::POST,
        "/token/introspect",
        &access,
        form,
    )
    .await;
    for name in ["active", "scope", "username"] {
        assert_eq!(
            told.text.matches(&format!("\"{name}\":")).count(),
            1,
            "{}",
            told.text
        );
    }
    let told: Value = told.json();
    assert_eq!(
        (
            &told["active"],
            &told["scope"],
            &told["username"],
            &told["plan"]
        ),
        (&json!(true), &json!(""), &json!("ada"), &json!("free"))
    );
    assert!(told.get("client_id").is_none(), "{told}");
}
