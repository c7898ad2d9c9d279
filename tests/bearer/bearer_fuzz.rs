//! Thousands of malformed requests over the routes of tokens, and of tokens over every route: none is an error of ours.

use std::collections::BTreeMap;

use axum::http::HeaderValue;
use axum::http::header::AUTHORIZATION;
use crudauth::jwt::SigningKeys;
use crudauth::testing::{Clock, TestBuilder, sign_in};
use serde_json::Value;

use crate::forge::{HEADER, KEY, claims_of, signed};
use crate::fuzz::{Dice, TEXTS, VALUES, assert_sound, request};
use crate::support::{self, FORM, JSON, PASSWORD, SECRET, encode};
use crate::tokens::{App, Both, Pair, routes};

const REQUESTS: u32 = 8_000;

const PATHS: &[&str] = &[
    "/token",
    "/token",
    "/refresh",
    "/refresh",
    "/token/revoke",
    "/token/introspect",
    "/me",
    "/dashboard",
    "/reports",
    "/maybe",
    "/change-password",
    "/logout",
];

/// Without limits, or most answers would be 429 and nothing behind them would be reached.
async fn unlimited() -> App {
    let (file, pool) = support::database(5).await;
    let clock = Clock::manual();
    let auth = Both::builder(pool)
        .secret(SECRET)
        .signing_keys(SigningKeys::hs256(KEY).unwrap())
        .clock(clock.clone())
        .cheap_hashing()
        .manual_workers()
        .danger_no_limits()
        .await
        .unwrap();
    let db = support::pool(&file.url(), 2).await;
    let router = routes(&auth);
    App {
        auth,
        clock,
        db,
        router,
        file,
    }
}

/// A text of the right alphabet, or nearly, with one place changed.
fn mutated(dice: &mut Dice, text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=dice.roll(2) {
        let at = dice.roll(bytes.len());
        match dice.roll(4) {
            0 => bytes[at] = b"A-_.=+/ "[dice.roll(8)],
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, b'.'),
            _ => bytes.truncate(at.max(1)),
        }
    }
    bytes
}

/// What the right key has signed and nobody would say.
fn absurd(dice: &mut Dice, claims: &Value) -> Vec<u8> {
    let names = [
        "sub",
        "ver",
        "exp",
        "iat",
        "nbf",
        "jti",
        "sid",
        "iss",
        "aud",
        "scopes",
        "token_type",
        "x",
    ];
    let mut payload = claims.to_string();
    for _ in 0..=dice.roll(2) {
        let value = if dice.chance(50) {
            format!("\"{}\"", dice.one(TEXTS))
        } else {
            dice.one(VALUES).to_owned()
        };
        let name = dice.one(&names);
        let mut other: serde_json::Map<String, Value> =
            serde_json::from_str(&payload).unwrap_or_else(|_| claims.as_object().unwrap().clone());
        other.remove(name);
        let rest = Value::Object(other).to_string();
        payload = format!("{{\"{name}\":{value},{}", &rest[1..]);
    }
    signed(KEY.as_bytes(), HEADER, &payload).into_bytes()
}

fn authorization(dice: &mut Dice, pair: &Pair, claims: &Value) -> HeaderValue {
    let scheme = dice.one(&[
        "Bearer ", "Bearer ", "Bearer ", "Bearer ", "bearer ", "Bearer", "Basic ", "", "Bearer  ",
    ]);
    let token = match dice.roll(8) {
        0 | 1 => pair.access.clone().into_bytes(),
        2 => mutated(dice, &pair.access),
        3 => dice.bytes(300),
        4 => dice.one(TEXTS).as_bytes().to_vec(),
        5 => pair.refresh.clone().into_bytes(),
        _ => absurd(dice, claims),
    };
    let bytes: Vec<u8> = [scheme.as_bytes(), &token].concat();
    let bytes: Vec<u8> = bytes
        .into_iter()
        .filter(|byte| *byte >= 32 && *byte != 127)
        .collect();
    HeaderValue::from_bytes(&bytes).unwrap()
}

#[tokio::test]
async fn sec_134_thousands_of_malformed_requests_about_tokens_are_no_error_of_ours() {
    let app = unlimited().await;
    let id = app.register("ada").await;
    let client = app.client();
    let mut dice = Dice::new();
    let mut seen: BTreeMap<u16, u32> = BTreeMap::new();
    let mut signed_in = sign_in(&app.auth, &id).await.unwrap();
    let mut pair = app.pair("ada").await;
    for n in 0..REQUESTS {
        if n % 40 == 0 {
            signed_in = sign_in(&app.auth, &id).await.unwrap();
            pair = app.pair("ada").await;
        }
        let claims = claims_of(&pair.access);
        let mut request = request(&mut dice, &signed_in, PATHS);
        let headers = request.headers_mut();
        if dice.chance(70) {
            headers.remove("cookie");
        }
        if dice.chance(80) {
            headers.insert(AUTHORIZATION, authorization(&mut dice, &pair, &claims));
        }
        if dice.chance(5) {
            headers.append(AUTHORIZATION, authorization(&mut dice, &pair, &claims));
        }
        if dice.chance(10) {
            let value = [b"refresh_token=", &mutated(&mut dice, &pair.refresh)[..]].concat();
            headers.insert("cookie", HeaderValue::from_bytes(&value).unwrap());
        }
        let told = format!(
            "request {n}: {} {} {:?}",
            request.method(),
            request.uri(),
            request.headers()
        );
        let answer = client.send(request).await;
        assert_sound(&answer, &told);
        *seen.entry(answer.status.as_u16()).or_default() += 1;
    }
    for status in [200, 401, 403, 405, 422] {
        assert!(
            seen.get(&status).is_some_and(|count| *count > 20),
            "{status}: {seen:?}"
        );
    }
    let sql = "SELECT count(*) FROM users WHERE is_superuser OR email_verified OR NOT is_active";
    assert_eq!(app.db.count(sql).await, 0);
    assert_eq!(app.token("ada", PASSWORD, "").await.status, 200);
}

/// Every field of every route of tokens takes every hostile value.
#[tokio::test]
async fn sec_134_every_field_of_the_routes_of_tokens_takes_every_hostile_value() {
    let app = unlimited().await;
    app.register("ada").await;
    let client = app.client();
    let values = TEXTS
        .iter()
        .map(|text| format!("\"{text}\""))
        .chain(VALUES.iter().map(|&value| value.to_owned()));
    for value in values {
        let body = format!("{{\"refresh_token\":{value}}}");
        let answer = client.post_body("/refresh", JSON, body).await;
        assert_sound(&answer, &format!("/refresh {value}"));
        assert_ne!(answer.status, 200, "{value}");
    }
    let pair = app.pair("ada").await;
    for text in TEXTS {
        let value = encode(text);
        for field in ["username", "password", "scope", "grant_type", "client_id"] {
            let body = format!("username=ada&password=x&{field}={value}");
            let body = body.replacen(&format!("{field}=ada&"), "", 1);
            let body = body.replacen(&format!("{field}=x&"), "", 1);
            let answer = client.post_body("/token", FORM, body).await;
            assert_sound(&answer, &format!("/token {field} {text}"));
        }
        for path in ["/token/revoke", "/token/introspect"] {
            let form = format!("token={value}&token_type_hint={value}");
            let answer = app.post_form(path, &pair.access, &form).await;
            assert_sound(&answer, &format!("{path} {text}"));
        }
    }
}
