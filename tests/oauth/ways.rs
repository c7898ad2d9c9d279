//! Which provider answers, and where it sends the browser back to (SEC-061, SEC-102, SEC-103).

use axum::body::Body;
use axum::http::Method;
use crudauth::Authority;
use serde_json::json;

use crate::elsewhere::{App, PUBLIC, bring, by, depart, home, me, page, web};
use crate::oidc::Endpoint::{Authorize, Discovery, Token};
use crate::oidc::Misbehaviour::Metadata;
use crate::oidc::{query, sign_in, with};
use crate::support::{Client, FORM, JSON};
use crate::wrong::assert_fails;

/// Eve runs `other`. She sends a victim's browser, on its way to her, to `demo`, and hopes that we bring the code to her
/// (RFC 9700 §4.4).
#[tokio::test]
async fn sec_102_a_code_of_one_provider_is_never_brought_to_another() {
    let (web, page) = (web().await, page().await);
    crossed(&web).await;
    crossed(&page).await;
}

async fn crossed<A: Authority>(app: &App<A>) {
    for (path, strange) in [("demo", "other"), ("other", "demo")] {
        let (_, honest) = home(app, strange).await;
        let code = query(&honest)["code"].clone();
        for iss in [app.demo.issuer(), app.other.issuer()] {
            let (mut victim, own) = home(app, path).await;
            let right = query(&own)["iss"] == iss;
            let calls = (app.demo.calls(Token), app.other.calls(Token));
            let mixed = with(&with(&own, "code", Some(&code)), "iss", Some(&iss));
            assert_fails(app, path, &mut victim, &mixed, "oauth_failed").await;
            let now = (app.demo.calls(Token), app.other.calls(Token));
            // Where the answer names the right issuer, that one is asked, which knows nothing of the code.
            let asked = |at: &str| usize::from(right && path == at);
            let expected = (calls.0 + asked("demo"), calls.1 + asked("other"));
            assert_eq!(now, expected, "{path} {iss}");
        }
    }
    assert_eq!(app.count("SELECT count(*) FROM users").await, 0);
}

#[tokio::test]
async fn sec_102_the_issuer_of_an_answer_is_checked_before_anybody_is_asked() {
    let app = web().await;
    let own = app.demo.issuer();
    for announced in [json!(true), json!(false), json!("true"), json!(null)] {
        app.clock.advance(std::time::Duration::from_hours(1));
        let name = "authorization_response_iss_parameter_supported";
        app.demo.misbehave(Metadata(name, announced.clone()));
        for iss in [
            "",
            "https://evil.example",
            &app.other.issuer(),
            &format!("{own}/"),
            &own.to_uppercase(),
            &format!("{own},{own}"),
        ] {
            let (mut client, callback) = home(&app, "demo").await;
            let calls = app.demo.calls(Token);
            let callback = with(&callback, "iss", Some(iss));
            let case = format!("{announced} {iss}");
            assert_fails(&app, &case, &mut client, &callback, "oauth_failed").await;
            assert_eq!(app.demo.calls(Token), calls, "{case}");
        }
        let (mut client, callback) = home(&app, "demo").await;
        let callback = with(&callback, "iss", None);
        if announced == true {
            let calls = app.demo.calls(Token);
            assert_fails(&app, "absent", &mut client, &callback, "oauth_failed").await;
            assert_eq!(app.demo.calls(Token), calls);
        } else {
            bring(&mut client, &callback).await;
            assert_eq!(me(&client).await, "ada", "{announced}");
            let mut client = app.client();
            by(&mut client, "demo", "ada").await;
            assert_eq!(me(&client).await, "ada", "{announced}");
            // A fresh start for the next: somebody new may not be known.
            for table in ["auth_identities", "auth_sessions", "users"] {
                app.db.run(format!("DELETE FROM {table}")).await;
            }
        }
        app.demo.behave();
    }
}

#[tokio::test]
async fn sec_103_the_redirect_uri_is_what_was_configured_whatever_a_request_says() {
    let (web, page) = (web().await, page().await);
    poisoned(&web).await;
    poisoned(&page).await;
}

async fn poisoned<A: Authority>(app: &App<A>) {
    let uri = format!("{PUBLIC}/oauth/demo/callback");
    for (name, value) in [
        ("host", "evil.example"),
        ("host", "app.example.com:1@evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-prefix", "/evil"),
        ("x-forwarded-port", "1"),
        ("x-original-url", "/evil"),
        ("x-rewrite-url", "/evil"),
        ("x-host", "evil.example"),
        ("forwarded", "host=evil.example;proto=http"),
        ("origin", "https://evil.example"),
        ("referer", "https://evil.example/"),
    ] {
        let mut client = app.client();
        let send = async |client: &Client, target: &str| {
            let request = client.request(Method::GET, target).header(name, value);
            client.send(request.body(Body::empty()).unwrap()).await
        };
        let answer = send(
            &client,
            "/oauth/demo/authorize?redirect_uri=https://evil.example",
        )
        .await;
        client.keep(&answer);
        let told = answer.json()["url"].as_str().map(str::to_owned);
        let url = told
            .or(answer.header("location").map(str::to_owned))
            .unwrap();
        assert!(
            url.starts_with(&format!("{}/authorize?", app.demo.url())),
            "{name}"
        );
        assert_eq!(query(&url)["redirect_uri"], uri, "{name}");
        assert!(!url.contains("evil"), "{name}: {url}");
        let cookies = answer.set_cookies().join(" ");
        assert!(
            !cookies.contains("Domain") && !cookies.contains("evil"),
            "{cookies}"
        );

        let callback = sign_in(&url, "ada").await;
        let answer = send(&client, callback.strip_prefix(PUBLIC).unwrap()).await;
        client.keep(&answer);
        assert_eq!(me(&client).await, "ada", "{name}: {}", answer.text);
        let exchanged = app.demo.seen(Token).pop().unwrap();
        let body = String::from_utf8(exchanged.body.to_vec()).unwrap();
        let form = query(&format!("http://x/?{body}"));
        assert_eq!(form["redirect_uri"], uri, "{name}");
        let home = answer.header("location").unwrap_or("/landing");
        assert_eq!(home, "/landing", "{name}");
    }
}

#[tokio::test]
async fn an_unknown_provider_is_named_in_the_words_of_the_contract() {
    let (web, page) = (web().await, page().await);
    let long = "x".repeat(5000);
    for (name, told) in [
        ("nope", "nope"),
        ("google", "google"),
        ("Demo", "Demo"),
        ("demo%20", "demo "),
        ("o'clock", "o'clock"),
        ("%22%3Cscript%3E", "\"<script>"),
        ("%5C%00%0A", "\\\0\n"),
        ("..%2f..%2fme", "../../me"),
        ("%ff%fe", ""),
        ("%E2%80%AEx", "\u{202e}x"),
        ("demo%00", "demo\0"),
        (&long, &long[..64]),
    ] {
        let detail = format!("Unknown or unconfigured OAuth provider: '{told}'");
        let body = json!({ "detail": detail, "code": "unknown_provider" });
        for client in [web.client(), page.client()] {
            let at = |end: &str| format!("/oauth/{name}/{end}");
            for answer in [
                client.get(&at("authorize")).await,
                client
                    .get(&at("authorize?redirect_to=/a&redirect_to=/b"))
                    .await,
                client.get(&at("callback")).await,
                client.get(&at("callback?code=a&state=b&error=c")).await,
                client.post(&at("callback")).await,
            ] {
                assert_eq!(answer.status, 400, "{name}: {}", answer.text);
                assert_eq!(answer.json(), body, "{name}");
                assert_eq!(answer.header("content-type"), Some("application/json"));
                assert!(answer.set_cookies().is_empty(), "{name}");
            }
        }
    }
    assert_eq!(web.count("SELECT count(*) FROM auth_oauth_states").await, 0);
}

#[tokio::test]
async fn whoever_asks_to_be_remembered_is() {
    let app = web().await;
    app.register("eve").await;
    for (asked, more) in [
        ("", ""),
        ("?remember_me=true", "&remember_me=true"),
        ("?remember_me=0", ""),
    ] {
        let mut client = app.client();
        let url = depart(&mut client, "demo", asked).await;
        let answer = bring(&mut client, &sign_in(&url, "ada").await).await;
        let by_password = app
            .client()
            .login_with("eve", crate::support::PASSWORD, more)
            .await;
        let attributes = |cookies: Vec<&str>| {
            let kept = cookies
                .into_iter()
                .filter(|cookie| !cookie.contains("Max-Age=0"));
            let mut all: Vec<(String, String)> = kept
                .filter_map(|cookie| {
                    let (name, rest) = cookie.split_once('=')?;
                    Some((name.to_owned(), rest.split_once(';')?.1.to_owned()))
                })
                .filter(|(name, _)| name != "device_id") // which remembers a password
                .collect();
            all.sort();
            all
        };
        let ours = attributes(answer.set_cookies());
        assert!(ours.len() >= 2, "{ours:?}");
        assert_eq!(ours, attributes(by_password.set_cookies()), "{asked}");
    }
    for asked in ["remember_me=perhaps", "remember_me=true&remember_me=true"] {
        let answer = app
            .client()
            .get(&format!("/oauth/demo/authorize?{asked}"))
            .await;
        assert_eq!(answer.code(), "validation_error", "{asked}");
        assert!(answer.set_cookies().is_empty());
    }
}

/// A form of a foreign page starts no journey, for a sign-in or for a link.
#[tokio::test]
async fn sec_061_a_foreign_page_starts_no_journey() {
    let (web, page) = (web().await, page().await);
    foreign(&web).await;
    foreign(&page).await;
}

async fn foreign<A: Authority>(app: &App<A>) {
    app.register("ada").await;
    let ada = app.signed_in("ada").await;
    let mut bare = ada.clone();
    bare.csrf = None;
    for (path, status) in [("authorize", 405), ("link", 403), ("callback", 0)] {
        for client in [&ada, &bare] {
            let request = client
                .request(Method::POST, &format!("/oauth/demo/{path}"))
                .header("sec-fetch-site", "cross-site")
                .header("sec-fetch-mode", "navigate")
                .header("origin", "https://evil.example")
                .header("content-type", FORM);
            let answer = client.send(request.body(Body::empty()).unwrap()).await;
            if status > 0 {
                assert_eq!(answer.status, status, "{path}: {}", answer.text);
            }
            assert!(answer.set_cookies().is_empty(), "{path}");
        }
    }
    // Neither does one that has the token's cookie sent along, and not the token.
    let answer = bare.post_body("/oauth/demo/link", JSON, "{}").await;
    assert_eq!(answer.code(), "csrf_missing");
    assert!(answer.set_cookies().is_empty());
    assert_eq!(app.count("SELECT count(*) FROM auth_oauth_states").await, 0);
    assert_eq!(app.demo.calls(Discovery) + app.demo.calls(Authorize), 0);
}
