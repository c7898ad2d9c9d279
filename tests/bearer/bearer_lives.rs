//! Genuine tokens: where they are read, when they begin and end, and what they stand on (SEC-070, SEC-076 … SEC-078).

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::http::Method;
use crudauth::routing::{Router, get};
use crudauth::{Principal, require};
use serde_json::{Value, json};

use crate::forge::{Kinds, ask, b64, carrying, claiming, claims_of, signed_in, whole, with};
use crate::support::{self, Client, PASSWORD};
use crate::tokens;
use crate::tokens::{Both, app};

#[require(superuser)]
async fn admin(user: Principal<Both>) -> Json<Value> {
    Json(json!({ "id": user.id }))
}

#[require(verified)]
async fn billing(user: Principal<Both>) -> Json<Value> {
    Json(json!({ "id": user.id }))
}

const DOORS: [&str; 4] = ["/me", "/dashboard", "/maybe", "/reports"];

/// Half a minute between clocks, to the second, at each end.
#[tokio::test]
async fn sec_070_clocks_may_be_half_a_minute_apart_and_no_more() {
    let (app, _, claims) = signed_in().await;
    let iat = claims["iat"].as_i64().unwrap();
    let told = async |claims: Value| {
        let answer = app.get("/me", &claiming(&claims)).await;
        (answer.status.as_u16(), answer.code())
    };
    let good = (200, String::new());
    let invalid = (401, "invalid_token".to_owned());
    let over = (401, "not_authenticated".to_owned());
    // Made by a clock that goes before ours.
    for name in ["iat", "nbf"] {
        for (ahead, wanted) in [(0, &good), (29, &good), (30, &good), (31, &invalid)] {
            let claims = with(&claims, name, iat + ahead);
            assert_eq!(told(claims).await, *wanted, "{name} {ahead}");
        }
    }
    // Read by a clock that goes before the issuer's.
    for (ago, wanted) in [(28, &good), (29, &good), (30, &over), (31, &over)] {
        let claims = with(&with(&claims, "iat", iat - ago - 900), "exp", iat - ago);
        assert_eq!(told(claims).await, *wanted, "exp {ago} ago");
    }
    // The same, on the clock itself.
    app.clock.advance(Duration::from_secs(900 + 29));
    assert_eq!(told(claims.clone()).await, good);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(told(claims).await, over);
}

#[tokio::test]
async fn sec_077_only_one_authorization_header_of_the_scheme_counts() {
    let (app, pair, _) = signed_in().await;
    let client = app.client();
    let good = pair.access.as_str();
    let bearer = format!("Bearer {good}");
    // The scheme in any case, and any number of spaces.
    for scheme in ["Bearer ", "bearer ", "BEARER ", "bEaReR ", "Bearer    "] {
        let sent = format!("{scheme}{good}");
        let answer = ask(&client, "/me", &[sent.as_bytes()]).await;
        assert_eq!(answer.status, 200, "{scheme:?}");
    }
    // Another scheme is no credential of ours: the next transport is asked, and there is nobody.
    for other in [
        "Basic YWRhOmNvcnJlY3Q=".to_owned(),
        format!("Basic {good}"),
        format!("Token {good}"),
        format!("DPoP {good}"),
        format!("Bearer2 {good}"),
        format!("Bearer:{good}"),
        format!("Bearer={good}"),
        format!("Bearer{good}"),
        format!(" Bearer\u{a0}{good}"),
        good.to_owned(),
        "B".to_owned(),
        String::new(),
    ] {
        let answer = ask(&client, "/me", &[other.as_bytes()]).await;
        assert_eq!(answer.code(), "not_authenticated", "{other:?}");
        let answer = ask(&client, "/maybe", &[other.as_bytes()]).await;
        assert_eq!(answer.text, r#"{"id":null}"#, "{other:?}");
    }
    // Two headers are two readings, whichever of them is good.
    let basic = b"Basic YWRhOmNvcnJlY3Q=".as_slice();
    for pair in [
        [bearer.as_bytes(), bearer.as_bytes()],
        [bearer.as_bytes(), basic],
        [basic, bearer.as_bytes()],
        [basic, basic],
        [bearer.as_bytes(), b"Bearer x"],
        [b"", bearer.as_bytes()],
    ] {
        for path in DOORS {
            let answer = ask(&client, path, &pair).await;
            assert_eq!(answer.code(), "invalid_token", "{path} {pair:?}");
        }
    }
    for bytes in [
        &b"Bearer \xff\xfe"[..],
        b"Bearer \xc3\x28.x.y",
        b"Bearer",
        b"Bearer ",
    ] {
        let answer = ask(&client, "/maybe", &[bytes]).await;
        assert_eq!(answer.code(), "invalid_token", "{bytes:?}");
    }
}

/// A token is read from nowhere else: not from the address, the body, a cookie, or a header that a proxy makes.
#[tokio::test]
async fn sec_077_a_token_elsewhere_is_no_token() {
    let (app, pair, _) = signed_in().await;
    let client = app.client();
    let good = pair.access.as_str();
    for path in ["/me", "/dashboard", "/maybe"] {
        for name in ["access_token", "token", "bearer_token", "Authorization"] {
            let answer = client.get(&format!("{path}?{name}={good}")).await;
            let anonymous = answer.text == r#"{"id":null}"#;
            assert!(
                anonymous || answer.code() == "not_authenticated",
                "{path} {name}: {}",
                answer.text
            );
        }
    }
    for (kind, body) in [
        (support::FORM, format!("access_token={good}")),
        (support::JSON, json!({ "access_token": good }).to_string()),
    ] {
        let answer = client.post_body("/dashboard", kind, body).await;
        assert_eq!(answer.code(), "not_authenticated");
    }
    for name in [
        "cookie",
        "proxy-authorization",
        "x-forwarded-authorization",
        "x-authorization",
        "x-access-token",
        "sec-websocket-protocol",
    ] {
        let value = match name {
            "cookie" => format!("access_token={good}; Authorization=Bearer {good}"),
            _ => format!("Bearer {good}"),
        };
        let request = client.request(Method::GET, "/me").header(name, value);
        let answer = client.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.code(), "not_authenticated", "{name}");
    }
}

/// Each letter in its other case: of a random text, never the same one.
fn in_other_case(text: &str) -> String {
    text.chars()
        .map(|letter| {
            if letter.is_ascii_lowercase() {
                letter.to_ascii_uppercase()
            } else {
                letter.to_ascii_lowercase()
            }
        })
        .collect()
}

/// A genuine token that is over is no credential, and tells nobody why.
#[tokio::test]
async fn sec_078_a_genuine_token_that_is_over_is_no_credential() {
    let (app, pair, claims) = signed_in().await;
    app.register("eve").await;
    let eve = app.pair("eve").await;
    let foreign = claims_of(&eve.access);
    let client = app.client();
    let nobody = whole(&client.get("/me").await);
    assert_eq!(
        (nobody.0, nobody.2.as_str()),
        (
            401,
            r#"{"detail":"Not authenticated","code":"not_authenticated"}"#
        )
    );
    assert_eq!(nobody.1["www-authenticate"], "Bearer");

    let iat = claims["iat"].as_i64().unwrap();
    let mut over: Kinds = [
        (
            "expired",
            with(&with(&claims, "iat", iat - 2000), "exp", iat - 1200),
        ),
        ("an earlier epoch", with(&claims, "ver", -1)),
        ("a later epoch", with(&claims, "ver", 1)),
        ("an epoch out of range", with(&claims, "ver", i64::MAX)),
        ("no such family", with(&claims, "sid", b64([7; 16]))),
        (
            "a family of another's",
            with(&claims, "sid", foreign["sid"].clone()),
        ),
        (
            "another's account",
            with(&claims, "sub", foreign["sub"].clone()),
        ),
        (
            "a family in other case",
            with(
                &claims,
                "sid",
                in_other_case(claims["sid"].as_str().unwrap()),
            ),
        ),
        ("a family in SQL", with(&claims, "sid", "' OR '1'='1")),
        ("a family of nothing", with(&claims, "sid", "")),
        ("a family with NUL", with(&claims, "sid", "a\0b")),
        ("a family of a mile", with(&claims, "sid", "a".repeat(5000))),
    ]
    .into_iter()
    .map(|(kind, claims)| (kind.to_owned(), claiming(&claims)))
    .collect();
    // Only the canonical spelling of a number is an account's key.
    for sub in [
        " 1",
        "1 ",
        "+1",
        "01",
        "1.0",
        "0x1",
        "1e0",
        "-1",
        "0",
        "2147483648",
        "9223372036854775807",
        "9223372036854775808",
        "１",
        "1\n",
        "1\u{0}",
        "1' OR '1'='1",
        "*",
        "null",
        "[1]",
        "ada",
    ] {
        let token = claiming(&with(&claims, "sub", sub));
        over.push((format!("sub {sub:?}"), token));
    }
    for (kind, token) in &over {
        let told = whole(&carrying(&client, "/me", token).await);
        assert_eq!(told, nobody, "{kind}");
        let told = carrying(&client, "/maybe", token).await;
        assert_eq!(
            (told.status.as_u16(), told.text.as_str()),
            (200, r#"{"id":null}"#),
            "{kind}"
        );
    }
    assert_eq!(app.get("/me", &pair.access).await.status, 200);
    assert_eq!(app.get("/me", &eve.access).await.status, 200);
}

/// What ends an account's sessions ends its access tokens: at the next request, and told as if there were none.
#[tokio::test]
async fn sec_076_a_token_dies_with_what_it_stands_on() {
    for how in [
        "revoked",
        "disabled",
        "switched off",
        "deleted",
        "moved on",
        "password",
        "logout-all",
    ] {
        let app = app().await;
        let id = app.register("ada").await;
        app.register("eve").await;
        let (pair, eve) = (app.pair("ada").await, app.pair("eve").await);
        assert_eq!(app.get("/me", &pair.access).await.status, 200);
        let nobody = whole(&app.client().get("/me").await);
        let users = app.auth.users();
        match how {
            "revoked" => app.auth.tokens().revoke(&pair.refresh).await.unwrap(),
            "disabled" => assert!(users.disable(&id).await.unwrap()),
            // By the application's own statement, which ends nothing else.
            "switched off" => {
                let sql = "UPDATE users SET is_active = FALSE WHERE id = $1";
                app.db.query(sql).bind(id).execute().await;
            }
            "deleted" => assert!(users.delete(&id).await.unwrap()),
            "moved on" => {
                let sql = "UPDATE users SET token_version = token_version + 1 WHERE id = $1";
                app.db.query(sql).bind(id).execute().await;
            }
            "password" => {
                let body = json!({ "current_password": PASSWORD, "new_password": "a wholly different one" });
                let answer = app
                    .signed_in("ada")
                    .await
                    .post_json("/change-password", &body)
                    .await;
                assert_eq!(answer.status, 200, "{}", answer.text);
            }
            _ => {
                let answer = app.signed_in("ada").await.post("/logout-all").await;
                assert_eq!(answer.status, 200, "{}", answer.text);
            }
        }
        let client = app.client();
        let told = whole(&carrying(&client, "/me", &pair.access).await);
        assert_eq!(told, nobody, "{how}");
        let told = carrying(&client, "/maybe", &pair.access).await;
        assert_eq!(told.text, r#"{"id":null}"#, "{how}");
        assert_eq!(
            app.refresh(&pair.refresh).await.code(),
            "refresh_token_invalid",
            "{how}"
        );
        assert_eq!(app.get("/me", &eve.access).await.status, 200, "{how}");
    }
}

/// What the account may is asked at every request: a token carries nothing of it.
#[tokio::test]
async fn sec_076_what_an_account_may_is_seen_at_the_next_request() {
    let app = app().await;
    let id = app.register("ada").await;
    let router = Router::new()
        .route("/admin", get(admin))
        .route("/billing", get(billing))
        .with_state(app.auth.clone())
        .into_axum();
    let client = Client::new(router);
    let pair = app.pair("ada").await;
    let ask = async |path: &str| {
        let answer = tokens::send(&client, Method::GET, path, &pair.access, None);
        answer.await.code()
    };
    let users = app.auth.users();
    for _ in 0..2 {
        assert_eq!(ask("/admin").await, "insufficient_privileges");
        assert_eq!(ask("/billing").await, "not_verified");
        app.db.run("UPDATE users SET is_superuser = TRUE").await;
        users.set_verified(&id, true).await.unwrap();
        assert_eq!(
            (ask("/admin").await, ask("/billing").await),
            Default::default()
        );
        app.db.run("UPDATE users SET is_superuser = FALSE").await;
        users.set_verified(&id, false).await.unwrap();
    }
    users.disable(&id).await.unwrap();
    assert_eq!(ask("/admin").await, "not_authenticated");
}

/// A disabled account that is enabled again has a new life: its former tokens stay dead.
#[tokio::test]
async fn sec_076_enabling_an_account_revives_no_token() {
    let app = app().await;
    let id = app.register("ada").await;
    let pair = app.pair("ada").await;
    app.auth.users().disable(&id).await.unwrap();
    assert_eq!(app.get("/me", &pair.access).await.status, 401);
    app.auth.users().enable(&id).await.unwrap();
    assert_eq!(
        app.get("/me", &pair.access).await.code(),
        "not_authenticated"
    );
    assert_eq!(app.refresh(&pair.refresh).await.status, 401);
    let fresh = app.pair("ada").await;
    assert_eq!(app.get("/me", &fresh.access).await.status, 200);
}
