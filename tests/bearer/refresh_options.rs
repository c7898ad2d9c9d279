//! What a block says of refresh tokens: their scopes, and whether each is replaced.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crudauth::auth;
use serde_json::{Value, json};

use crate::custom;
use crate::support::{self, PASSWORD, User};
use crate::tokens::{App, Pair, app, me, refresh, token};

const DAY: Duration = Duration::from_hours(24);

fn claims(access: &str) -> Value {
    let payload = access.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

auth! {
    #[database(sqlite, postgres)]
    #[bearer(refresh(deliver = "body"), scopes(default("read")))]
    struct Narrow<User>;
}

#[tokio::test]
async fn sec_083_scopes_never_grow_and_shrink_with_the_block() {
    let app = app().await;
    app.register("ada").await;
    for (granted, scopes) in [
        ("reports%3Aread", json!(["reports:read"])),
        ("admin", json!([])),
        ("read+reports%3Aread", json!(["read", "reports:read"])),
    ] {
        let pair = app.pair_with("ada", &format!("&scope={granted}")).await;
        let body = json!({ "refresh_token": pair.refresh, "scope": "read reports:read admin", "sub": "2" });
        let answer = app.client().post_json("/refresh", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let claims = claims(&Pair::of(&answer).access);
        assert_eq!(claims["scopes"], scopes);
        assert_eq!(claims["sub"], self::claims(&pair.access)["sub"]);
    }
    // The next version of the application grants less.
    let wide = app.pair_with("ada", "&scope=read+reports%3Aread").await;
    let narrow = narrow(&app).await;
    let answer = refresh(&narrow, &wide.refresh).await;
    assert_eq!(answer.json()["scope"], "read", "{}", answer.text);
    let pair = Pair::of(&answer);
    assert_eq!(claims(&pair.access)["scopes"], json!(["read"]));
    // What was granted before says less there too.
    let told = me(&narrow, &wide.access).await;
    assert_eq!(told.json()["scopes"], json!(["read"]), "{}", told.text);
}

/// A client of the other block over the same database, with the same secret and clock.
async fn narrow(app: &App) -> support::Client {
    use crudauth::testing::TestBuilder as _;
    let pool = support::pool(&app.file.url(), 2).await;
    let auth = Narrow::builder(pool)
        .secret(support::SECRET)
        .clock(app.clock.clone())
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    support::Client::new(auth.router())
}

auth! {
    #[database(sqlite, postgres)]
    #[bearer(refresh(deliver = "body", rotate = false))]
    #[allow(refresh_without_rotation, reason = "clients that cannot keep a new token")]
    struct Unrotated<User>;
}

#[tokio::test]
async fn without_rotation_one_token_is_good_to_the_end() {
    let app = custom!(Unrotated);
    app.register("ada").await;
    let begun = app.clock.now();
    let pair = Pair::of(&token(&app.client(), "ada", PASSWORD, "").await);
    let row = app.db.bytes("auth_refresh_tokens").await;
    for day in 0..30 {
        app.clock.set(begun.plus(DAY * day));
        let answer = refresh(&app.client(), &pair.refresh).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let names: Vec<String> = answer.json().as_object().unwrap().keys().cloned().collect();
        assert_eq!(
            names,
            ["access_token", "expires_in", "scope", "token_type"],
            "nothing new to keep"
        );
        let access = Pair::of(&answer).access;
        assert_eq!(me(&app.client(), &access).await.status, 200);
    }
    assert_eq!(app.db.bytes("auth_refresh_tokens").await, row);
    app.clock.set(begun.plus(DAY * 30));
    let answer = refresh(&app.client(), &pair.refresh).await;
    assert_eq!(answer.code(), "refresh_token_invalid");
}
