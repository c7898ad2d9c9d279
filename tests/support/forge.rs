//! Access tokens written by hand, for an application whose key the test knows: what an attacker writes, and what nobody would.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "shared by test binaries that each use a part"
)]

use axum::body::Body;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue, Method};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crudauth::jwt::SigningKeys;
use crudauth::testing::{Clock, TestBuilder};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::support::{self, Answer, Client, SECRET};
use crate::tokens::{App, Both, Pair, routes};

/// What signs the tokens of [`keyed`].
pub const KEY: &str = "tests only: the key of access tokens, known to the test";
/// The header of every token of ours.
pub const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// The application of `tokens`, under [`KEY`].
pub async fn keyed() -> App {
    let (file, pool) = support::database(5).await;
    let clock = Clock::manual();
    let auth = Both::builder(pool)
        .secret(SECRET)
        .signing_keys(SigningKeys::hs256(KEY).unwrap())
        .clock(clock.clone())
        .cheap_hashing()
        .manual_workers()
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

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn unb64(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// HMAC-SHA256 over two texts, as a token in the compact form.
pub fn signed(key: &[u8], header: &str, payload: &str) -> String {
    under(key, &format!("{}.{}", b64(header), b64(payload)))
}

/// A signature under what stands before it.
pub fn under(key: &[u8], input: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(input.as_bytes());
    format!("{input}.{}", b64(mac.finalize().into_bytes()))
}

/// A token under [`KEY`] with this header.
pub fn headed(header: &str, claims: &Value) -> String {
    signed(KEY.as_bytes(), header, &claims.to_string())
}

/// A token under [`KEY`] with these claims.
pub fn claiming(claims: &Value) -> String {
    headed(HEADER, claims)
}

/// What a token says.
pub fn claims_of(token: &str) -> Value {
    serde_json::from_slice(&unb64(token.split('.').nth(1).unwrap())).unwrap()
}

/// `claims`, with one of them another.
pub fn with(claims: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims.clone();
    claims[name] = value.into();
    claims
}

/// `claims`, without one of them.
pub fn without(claims: &Value, name: &str) -> Value {
    let mut claims = claims.clone();
    claims.as_object_mut().unwrap().remove(name).unwrap();
    claims
}

/// Everything of an answer but the number of its request.
pub fn whole(answer: &Answer) -> (u16, HeaderMap, String) {
    let mut headers = answer.headers.clone();
    headers.remove("x-request-id");
    (answer.status.as_u16(), headers, answer.text.clone())
}

/// `GET path` with these `Authorization` headers and no other credential.
pub async fn ask(client: &Client, path: &str, sent: &[&[u8]]) -> Answer {
    let mut request = client
        .request(Method::GET, path)
        .body(Body::empty())
        .unwrap();
    for value in sent {
        let value = HeaderValue::from_bytes(value).unwrap();
        request.headers_mut().append(AUTHORIZATION, value);
    }
    client.send(request).await
}

pub async fn carrying(client: &Client, path: &str, token: &str) -> Answer {
    ask(client, path, &[format!("Bearer {token}").as_bytes()]).await
}

/// The application, its only account, and what a genuine token of it says.
pub async fn signed_in() -> (App, Pair, Value) {
    let app = keyed().await;
    app.register("ada").await;
    let pair = app.pair("ada").await;
    let claims = claims_of(&pair.access);
    // What is forged below is right in all but the one thing that is wrong.
    let copy = app.get("/me", &claiming(&claims)).await;
    assert_eq!(copy.status, 200, "{}", copy.text);
    (app, pair, claims)
}

/// Tokens by what is wrong with each.
pub type Kinds = Vec<(String, String)>;
