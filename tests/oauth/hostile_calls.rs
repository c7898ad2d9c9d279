//! A provider that answers wrongly, endlessly, from somewhere else or not at all (SEC-108).

use std::time::Duration;

use crudauth::Authority;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::elsewhere::{App, PUBLIC, by, depart, me, page, web, web_with};
use crate::oidc::Endpoint::{Authorize, Discovery, Elsewhere, Jwks, Token, Userinfo};
use crate::oidc::Misbehaviour::{At, Jwks as Publishes, Metadata};
use crate::oidc::{Endpoint, Fault, Misbehaviour, Person, Provider, sign_in};
use crate::support::{Answer, PASSWORD};
use crate::wrong::{assert_fails, assert_refused, written};

/// After it, what a provider publishes is asked for anew.
const HOUR: Duration = Duration::from_hours(1);
const MIB: usize = 1024 * 1024;

/// How any endpoint can fail, but for those that take five seconds to.
fn faults() -> Vec<Fault> {
    let answers = [
        (200, ""),
        (200, "null"),
        (200, "[]"),
        (200, "\"text\""),
        (200, "{\"a\":1,"),
        (200, "{} {}"),
        (200, "<!doctype html>"),
        (204, ""),
        (404, "{}"),
        (429, "{}"),
        (500, "{}"),
        (503, ""),
    ];
    let answers = answers.map(|(status, text)| Fault::Answers(status, text.to_owned()));
    let redirects = [300, 301, 302, 303, 307, 308].map(Fault::Redirects);
    let others = [
        Fault::Closes,
        Fault::ClosesMidway,
        Fault::Endless,
        Fault::Padded(MIB + 1),
    ];
    answers.into_iter().chain(redirects).chain(others).collect()
}

/// Somebody of whom only userinfo tells, so that every endpoint is asked.
fn turing() -> Person {
    Person::new("turing", Some("turing@example.com"), true).only_in_userinfo()
}

/// Nobody can set out: no cookie, no row, and no redirect followed.
async fn assert_grounded<A: Authority>(app: &App<A>, name: &str, wrong: Misbehaviour) {
    app.clock.advance(HOUR);
    app.demo.misbehave(wrong);
    let before = written(app).await;
    let client = app.client();
    let answer = client.get("/oauth/demo/authorize").await;
    assert_refused(name, &answer, "oauth_failed");
    assert!(answer.set_cookies().is_empty(), "{name}");
    assert_eq!(written(app).await, before, "{name}");
    assert_eq!(app.demo.calls(Elsewhere), 0, "{name}");
    app.demo.behave();
}

/// Somebody sets out, and the provider fails when they come back.
async fn assert_lost<A: Authority>(app: &App<A>, name: &str, wrong: Misbehaviour) {
    app.clock.advance(HOUR);
    let mut client = app.client();
    let url = depart(&mut client, "demo", "").await;
    let callback = sign_in(&url, "turing").await;
    app.demo.misbehave(wrong);
    assert_fails(app, name, &mut client, &callback, "oauth_failed").await;
    assert_eq!(app.demo.calls(Elsewhere), 0, "{name}");
    app.demo.behave();
}

async fn assert_well<A: Authority>(app: &App<A>) {
    app.clock.advance(HOUR);
    let mut client = app.client();
    by(&mut client, "demo", "turing").await;
    assert_ne!(me(&client).await, "");
}

macro_rules! in_both_modes {
    ($at:expr, $check:ident) => {{
        let (web, page) = (web().await, page().await);
        web.demo.person(turing());
        page.demo.person(turing());
        for fault in faults() {
            let name = format!("{fault:?}");
            $check(&web, &name, At($at, fault.clone())).await;
            $check(&page, &name, At($at, fault)).await;
        }
        assert_well(&web).await;
        assert_well(&page).await;
    }};
}

#[tokio::test]
async fn sec_108_metadata_that_cannot_be_had_sends_nobody_anywhere() {
    in_both_modes!(Discovery, assert_grounded);
}

#[tokio::test]
async fn sec_108_keys_that_cannot_be_had_sign_nobody_in() {
    in_both_modes!(Jwks, assert_lost);
}

#[tokio::test]
async fn sec_108_a_code_that_cannot_be_exchanged_signs_nobody_in() {
    in_both_modes!(Token, assert_lost);
}

#[tokio::test]
async fn sec_108_userinfo_that_cannot_be_had_signs_nobody_in() {
    in_both_modes!(Userinfo, assert_lost);
}

/// SEC-102 for the issuer, SEC-108 for where it would have us call.
#[tokio::test]
async fn sec_102_metadata_is_of_the_issuer_that_was_configured() {
    let (web, page) = (web().await, page().await);
    let own = web.demo.issuer();
    for (name, value) in [
        ("issuer", json!(format!("{own}/"))),
        ("issuer", json!(own.to_uppercase())),
        ("issuer", json!(own.replace("127.0.0.1", "localhost"))),
        ("issuer", json!(format!("{own}/tenant"))),
        ("issuer", json!(format!("{own}?"))),
        ("issuer", json!("https://evil.example")),
        ("issuer", json!([own])),
        ("issuer", Value::Null),
        ("authorization_endpoint", Value::Null),
        ("authorization_endpoint", json!("")),
        ("authorization_endpoint", json!("/authorize")),
        ("authorization_endpoint", json!("javascript:alert(1)")),
        (
            "authorization_endpoint",
            json!("http://evil.example/authorize"),
        ),
        ("token_endpoint", Value::Null),
        ("token_endpoint", json!("file:///etc/passwd")),
        ("token_endpoint", json!("http://evil.example/token")),
        ("token_endpoint", json!("http://169.254.169.254/token")),
        ("jwks_uri", Value::Null),
        ("jwks_uri", json!("data:,{}")),
        ("jwks_uri", json!("http://10.0.0.1/jwks")),
        ("userinfo_endpoint", json!("ftp://evil.example/")),
        ("userinfo_endpoint", json!("http://evil.example/")),
    ] {
        let case = format!("{name} {value}");
        assert_grounded(&web, &case, Metadata(name, value.clone())).await;
        assert_grounded(&page, &case, Metadata(name, value)).await;
    }
    web.demo.person(turing());
    assert_well(&web).await;
}

/// Even of an issuer on loopback, no address of the network behind us is called.
#[tokio::test]
async fn sec_108_no_private_address_is_called() {
    let app = web().await;
    app.demo.person(turing());
    for (name, host) in [
        ("token_endpoint", "169.254.169.254"),
        ("token_endpoint", "10.0.0.1"),
        ("jwks_uri", "192.168.0.1"),
        ("userinfo_endpoint", "[fd00::1]"),
        ("userinfo_endpoint", "0.0.0.0"),
    ] {
        app.clock.advance(HOUR);
        let url = format!("https://{host}/x");
        app.demo.misbehave(Metadata(name, json!(url)));
        let mut client = app.client();
        let begun = Instant::now();
        let url = depart(&mut client, "demo", "").await;
        let callback = sign_in(&url, "turing").await;
        let case = format!("{name} {host}");
        assert_fails(&app, &case, &mut client, &callback, "oauth_failed").await;
        // By refusal, and not because nobody answered.
        assert!(begun.elapsed() < Duration::from_secs(4), "{case}");
        app.demo.behave();
    }
}

#[tokio::test]
async fn sec_108_sets_without_a_usable_key_sign_nobody_in() {
    let (web, page) = (web().await, page().await);
    web.demo.person(turing());
    page.demo.person(turing());
    for set in [
        json!({ "keys": [] }),
        json!({ "keys": {} }),
        json!({ "keys": [{}] }),
        json!({ "keys": [null, 5, "x"] }),
        json!({ "keys": [{ "kty": "oct", "k": "AAAA", "alg": "HS256" }] }),
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" }] }),
        json!({ "keys": [{ "kty": "RSA", "n": "AQAB", "e": "AQ" }] }),
        json!({}),
        json!([]),
        Value::Null,
    ] {
        let case = set.to_string();
        assert_lost(&web, &case, Publishes(set.clone())).await;
        assert_lost(&page, &case, Publishes(set)).await;
    }
    assert_well(&web).await;
    assert_well(&page).await;
}

/// Up to the limit a long answer is an answer.
#[tokio::test]
async fn sec_108_long_answers_are_read_up_to_a_mebibyte() {
    let app = web().await;
    app.demo.person(turing());
    for endpoint in [Discovery, Jwks, Token, Userinfo] {
        app.demo
            .misbehave(At(endpoint, Fault::Padded(MIB - 64 * 1024)));
    }
    assert_well(&app).await;
}

/// A metadata document is asked for once an hour, a failure every five seconds; who wants to sign in decides neither.
#[tokio::test]
async fn sec_108_metadata_is_kept_and_failures_are_too_for_a_moment() {
    let app = web().await;
    app.demo
        .misbehave(At(Discovery, Fault::Answers(500, String::new())));
    for calls in [1, 2] {
        for _ in 0..10 {
            let answer = app.client().get("/oauth/demo/authorize").await;
            assert_refused("down", &answer, "oauth_failed");
        }
        assert_eq!(app.demo.calls(Discovery), calls);
        app.clock.advance(Duration::from_secs(5));
    }
    app.demo.behave();
    for calls in [3, 4] {
        for _ in 0..10 {
            depart(&mut app.client(), "demo", "").await;
        }
        assert_eq!(app.demo.calls(Discovery), calls);
        app.clock.advance(HOUR);
    }
}

#[tokio::test]
async fn sec_108_a_provider_that_is_gone_fails_before_and_behind_the_page() {
    let mut app = web().await;
    let mut client = app.client();
    let url = depart(&mut client, "demo", "").await;
    let callback = sign_in(&url, "ada").await;
    drop(std::mem::replace(
        &mut app.demo,
        Provider::start().await.unwrap(),
    ));
    assert_fails(&app, "gone", &mut client, &callback, "oauth_failed").await;
    app.clock.advance(HOUR);
    let answer = app.client().get("/oauth/demo/authorize").await;
    assert_refused("gone", &answer, "oauth_failed");
    // The others are as they were.
    let mut client = app.client();
    by(&mut client, "other", "ada").await;
    assert_eq!(me(&client).await, "ada");
}

/// A provider that does not answer holds up nobody but the one who waits for it: one connection to the database serves the rest.
async fn assert_patient(endpoint: Endpoint, fault: Fault) {
    let app = web_with(1).await;
    app.demo.person(turing());
    app.register("eve").await;
    let eve = app.signed_in("eve").await;
    let mut client = app.client();
    let path = if endpoint == Discovery {
        "/oauth/demo/authorize".to_owned()
    } else {
        let url = depart(&mut client, "demo", "").await;
        sign_in(&url, "turing")
            .await
            .strip_prefix(PUBLIC)
            .unwrap()
            .to_owned()
    };
    let before = app.demo.calls(endpoint);
    app.demo.misbehave(At(endpoint, fault));
    let begun = Instant::now();
    let waiting = {
        let client = client.clone();
        tokio::spawn(async move { client.get(&path).await })
    };
    app.demo.called(endpoint, before + 1).await.unwrap();
    for _ in 0..3 {
        assert_eq!(me(&eve).await, "eve");
    }
    let mut other = app.client();
    assert_eq!(other.login("eve", PASSWORD).await.status, 200);
    assert!(!waiting.is_finished() && begun.elapsed() < Duration::from_secs(4));
    let answer: Answer = waiting.await.unwrap();
    assert_refused("slow", &answer, "oauth_failed");
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(7), "{took:?}");
    app.demo.behave();
    assert_eq!(app.count("SELECT count(*) FROM users").await, 1);
    assert_eq!(app.count("SELECT count(*) FROM auth_oauth_states").await, 0);
}

#[tokio::test]
async fn sec_108_metadata_that_never_comes_holds_up_nobody_else() {
    assert_patient(Discovery, Fault::Hangs).await;
}

#[tokio::test]
async fn sec_108_keys_that_never_come_hold_up_nobody_else() {
    assert_patient(Jwks, Fault::Trickles).await;
}

#[tokio::test]
async fn sec_108_tokens_that_never_come_hold_up_nobody_else() {
    assert_patient(Token, Fault::Hangs).await;
}

#[tokio::test]
async fn sec_108_userinfo_that_never_comes_holds_up_nobody_else() {
    assert_patient(Userinfo, Fault::Trickles).await;
}

/// Where the browser goes we do not.
#[tokio::test]
async fn sec_108_the_page_is_for_the_browser_alone() {
    let app = web().await;
    depart(&mut app.client(), "demo", "").await;
    assert_eq!(app.demo.calls(Authorize), 0);
}
