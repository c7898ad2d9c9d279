//! Refresh tokens in a cookie: set, replaced and cleared by the server, and of use to pages of ours only.

use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use crudauth::auth;
use serde_json::{Value, json};

use crate::custom;
use crate::support::{Answer, Client, Custom, JSON, PASSWORD, User};
use crate::tokens;
use crate::tokens::{Cookie, Pair, me, refresh, token};

const DAY: Duration = Duration::from_hours(24);

/// The line that an answer sets a cookie by: its value, and the rest.
fn line(answer: &Answer, name: &str) -> Option<(String, String)> {
    let mut lines = answer
        .set_cookies()
        .into_iter()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let (value, rest) = lines.next()?.split_once("; ").unwrap();
    assert!(lines.next().is_none(), "one line");
    Some((value.to_owned(), rest.to_owned()))
}

fn access(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text);
    Pair::of(answer).access
}

/// A browser that has asked for tokens, and its access token.
async fn signed_in<A>(app: &Custom<A>, name: &str) -> (Client, String) {
    let mut client = app.client();
    let answer = token(&client, name, PASSWORD, "").await;
    client.keep(&answer);
    (client, access(&answer))
}

async fn families<A>(app: &Custom<A>) -> i64 {
    app.count("SELECT count(*) FROM auth_refresh_tokens").await
}

async fn post_from(client: &Client, path: &str, said: &[(&str, &str)]) -> Answer {
    let mut request = client.request(Method::POST, path);
    for (name, value) in said {
        request = request.header(*name, *value);
    }
    client.send(request.body(Body::empty()).unwrap()).await
}

/// `<now>` of a deletion is the date of the answer.
fn is_cleared(answer: &Answer, attributes: &str) {
    let (value, rest) = line(answer, "refresh_token").expect("a deletion");
    let (expires, rest) = rest.split_once("; ").unwrap();
    assert_eq!(value, r#""""#);
    assert!(expires.starts_with("expires="), "{expires}");
    assert_eq!(rest, attributes);
}

#[tokio::test]
async fn the_cookie_is_set_replaced_and_cleared_as_the_contract_writes_it() {
    let app = custom!(Cookie);
    app.register("ada").await;
    let mut client = app.client();
    let answer = token(&client, "ada", PASSWORD, "").await;
    let body = answer.json();
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["access_token", "expires_in", "scope", "token_type"]);
    let (first, rest) = line(&answer, "refresh_token").unwrap();
    assert_eq!(
        rest,
        "HttpOnly; Max-Age=2592000; Path=/; SameSite=lax; Secure"
    );
    client.keep(&answer);

    app.clock.advance(DAY * 29 + DAY / 2);
    let answer = client.post("/refresh").await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let (second, rest) = line(&answer, "refresh_token").unwrap();
    assert_ne!(first, second);
    assert_eq!(
        rest,
        "HttpOnly; Max-Age=43200; Path=/; SameSite=lax; Secure"
    );
    assert!(!answer.text.contains("refresh_token"), "{}", answer.text);
    let live = access(&answer);
    client.keep(&answer);
    assert_eq!(me(&app.client(), &live).await.status, 200);

    let answer = client.post("/logout").await;
    assert_eq!(answer.json(), json!({ "detail": "Logged out" }));
    is_cleared(&answer, "HttpOnly; Max-Age=0; Path=/; SameSite=lax; Secure");
    assert_eq!(families(&app).await, 0, "a copy of the cookie is dead too");
    assert_eq!(me(&app.client(), &live).await.status, 401);
    assert_eq!(
        client.post("/refresh").await.code(),
        "refresh_token_invalid"
    );
    client.keep(&answer);
    assert_eq!(
        client.post("/refresh").await.code(),
        "refresh_token_missing"
    );
    // Nobody is signed in: the same answer.
    let again = client.post("/logout").await;
    assert_eq!(again.json(), json!({ "detail": "Logged out" }));
    is_cleared(&again, "HttpOnly; Max-Age=0; Path=/; SameSite=lax; Secure");
}

#[tokio::test]
async fn where_the_cookie_carries_it_the_body_does_not() {
    let app = custom!(Cookie);
    app.register("ada").await;
    let (client, _) = signed_in(&app, "ada").await;
    let token = client.cookies["refresh_token"].clone();
    let mut bare = client.clone();
    bare.cookies.clear();
    let answer = refresh(&bare, &token).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (
            401,
            json!({ "detail": "Refresh token missing", "code": "refresh_token_missing",
                "error": "invalid_request", "error_description": "Refresh token missing" })
        )
    );
    for (kind, body) in [
        (JSON, "{"),
        ("text/plain", "what?"),
        (JSON, r#"{"refresh_token":7}"#),
    ] {
        let mut client = client.clone();
        let answer = client.post_body("/refresh", kind, body).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.text);
        client.keep(&answer);
    }
    // Two of a name: one of them was planted.
    let twice = format!("refresh_token={token}; refresh_token={token}");
    let answer = post_from(&bare, "/refresh", &[("cookie", &twice)]).await;
    assert_eq!(answer.code(), "refresh_token_missing");
}

#[tokio::test]
async fn sec_060_no_foreign_page_refreshes_or_signs_out() {
    let app = custom!(Cookie);
    app.register("ada").await;
    let (client, live) = signed_in(&app, "ada").await;
    let before = app.db.bytes("auth_refresh_tokens").await;
    for said in [
        vec![("sec-fetch-site", "cross-site")],
        vec![("host", "app.example"), ("origin", "https://evil.example")],
        vec![
            ("host", "app.example"),
            ("referer", "https://evil.example/x"),
        ],
        vec![("origin", "null")],
    ] {
        for path in ["/refresh", "/logout"] {
            let answer = post_from(&client, path, &said).await;
            assert_eq!(answer.status, 403, "{path} {said:?}: {}", answer.text);
            assert_eq!(answer.code(), "cross_site");
            assert!(answer.set_cookies().is_empty());
        }
        // Without a cookie there is nothing that the page could borrow.
        let bare = app.client();
        assert_eq!(post_from(&bare, "/logout", &said).await.status, 200);
        let answer = post_from(&bare, "/refresh", &said).await;
        assert_eq!(answer.code(), "refresh_token_missing");
    }
    assert_eq!(app.db.bytes("auth_refresh_tokens").await, before);
    assert_eq!(me(&app.client(), &live).await.status, 200);
    let own = [("host", "app.example"), ("origin", "https://app.example")];
    assert_eq!(post_from(&client, "/refresh", &own).await.status, 200);
}

auth! {
    #[database(sqlite, postgres)]
    #[bearer(refresh(same_site = "none", cookie = "renewal", path = "/auth"))]
    struct Elsewhere<User>;
}

#[tokio::test]
async fn sec_060_a_cookie_of_every_site_is_for_the_pages_that_are_named() {
    let app = custom!(Elsewhere, 5, origin("https://app.example"));
    app.register("ada").await;
    let mut client = app.client();
    let answer = token(&client, "ada", PASSWORD, "").await;
    let (_, rest) = line(&answer, "renewal").unwrap();
    assert_eq!(
        rest,
        "HttpOnly; Max-Age=2592000; Path=/auth; SameSite=none; Secure"
    );
    client.keep(&answer);

    let named = ("origin", "https://app.example");
    for said in [
        vec![("sec-fetch-site", "cross-site"), named],
        vec![("sec-fetch-site", "same-site"), named],
        vec![named],
        vec![],
    ] {
        let answer = post_from(&client, "/refresh", &said).await;
        assert_eq!(answer.status, 200, "{said:?}: {}", answer.text);
        client.keep(&answer);
    }
    for said in [
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site")],
        vec![
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://evil.example"),
        ],
        vec![
            ("sec-fetch-site", "same-origin"),
            ("origin", "https://api.example"),
        ],
        vec![("origin", "null")],
        vec![("origin", "http://app.example")],
        vec![
            ("origin", "https://app.example"),
            ("origin", "https://evil.example"),
        ],
        vec![("host", "evil.example"), ("origin", "https://evil.example")],
    ] {
        for path in ["/refresh", "/logout"] {
            let answer = post_from(&client, path, &said).await;
            assert_eq!(answer.code(), "cross_site", "{path} {said:?}");
        }
    }
    assert_eq!(families(&app).await, 1);
    let answer = post_from(&client, "/logout", &[named]).await;
    assert_eq!(answer.status, 200);
    let cleared = line(&answer, "renewal").unwrap().1;
    assert!(
        cleared.ends_with("; HttpOnly; Max-Age=0; Path=/auth; SameSite=none; Secure"),
        "{cleared}"
    );
    assert_eq!(families(&app).await, 0);
}

#[tokio::test]
async fn in_the_body_a_cookie_wins_all_the_same() {
    let app = tokens::app().await;
    app.register("ada").await;
    let (one, two) = (app.pair("ada").await, app.pair("ada").await);
    let mut client = app.client();
    client
        .cookies
        .insert("refresh_token".to_owned(), one.refresh.clone());
    let answer = refresh(&client, &two.refresh).await;
    let renewed = Pair::of(&answer);
    assert_eq!(claim(&renewed.access, "sid"), claim(&one.access, "sid"));
    assert!(answer.set_cookies().is_empty(), "{answer:?}");
    // A dead one wins too: it is not tried twice.
    client
        .cookies
        .insert("refresh_token".to_owned(), "dead".to_owned());
    let answer = refresh(&client, &two.refresh).await;
    assert_eq!(answer.code(), "refresh_token_invalid");
    let answer = post_from(&client, "/refresh", &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(answer.code(), "cross_site");
    assert_eq!(app.refresh(&two.refresh).await.status, 200);
}

fn claim(access: &str, name: &str) -> Value {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let payload = URL_SAFE_NO_PAD.decode(access.split('.').nth(1).unwrap());
    serde_json::from_slice::<Value>(&payload.unwrap()).unwrap()[name].clone()
}

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[bearer]
    struct Everything<User>;
}

/// A browser with a session and a refresh cookie, and the access token that it was given.
async fn signed_in_twice(app: &Custom<Everything>, name: &str) -> (Client, String) {
    let mut client = app.signed_in(name).await;
    let answer = token(&client, name, PASSWORD, "").await;
    client.keep(&answer);
    (client, access(&answer))
}

#[tokio::test]
async fn sec_049_signing_out_ends_the_session_and_the_family() {
    let app = custom!(Everything);
    app.register("ada").await;
    for path in ["/logout", "/logout-all"] {
        let (client, live) = signed_in_twice(&app, "ada").await;
        let (other, elsewhere) = signed_in_twice(&app, "ada").await;
        assert_eq!((client.cookies.len(), families(&app).await), (4, 2));
        let answer = client.post(path).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        is_cleared(&answer, "HttpOnly; Max-Age=0; Path=/; SameSite=lax; Secure");
        for name in ["session_id", "csrf_token"] {
            let (_, rest) = line(&answer, name).unwrap();
            assert!(rest.contains("Max-Age=0"), "{rest}");
        }
        assert_eq!(client.get("/me").await.status, 401);
        assert_eq!(me(&app.client(), &live).await.status, 401);
        assert_eq!(
            client.post("/refresh").await.code(),
            "refresh_token_invalid"
        );
        // The other browser is signed out by one of them.
        let left = if path == "/logout" { 200 } else { 401 };
        assert_eq!(other.get("/me").await.status, left);
        assert_eq!(me(&app.client(), &elsewhere).await.status, left);
        assert_eq!(other.post("/refresh").await.status, left);
        app.db.run("DELETE FROM auth_refresh_tokens").await;
    }
}

#[tokio::test]
async fn without_a_session_signing_out_still_ends_the_family() {
    let app = custom!(Everything);
    app.register("ada").await;
    let (mut client, live) = signed_in_twice(&app, "ada").await;
    client.cookies.remove("session_id");
    client.csrf = None;
    let said = [("sec-fetch-site", "cross-site")];
    assert_eq!(
        post_from(&client, "/logout", &said).await.code(),
        "cross_site"
    );
    assert_eq!(me(&app.client(), &live).await.status, 200);
    assert_eq!(client.post("/logout").await.status, 200);
    assert_eq!(me(&app.client(), &live).await.status, 401);
    assert_eq!(families(&app).await, 0);
}
