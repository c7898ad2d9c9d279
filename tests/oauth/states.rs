//! What ties a journey to its browser, its provider and its time (SEC-100, advisory 13).

use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use axum::http::header::COOKIE;
use crudauth::Authority;
use crudauth::testing::TestBuilder;
use serde_json::Value;

use crate::elsewhere::{
    App, PUBLIC, Web, bring, by, cookie_of, credentials, depart, error, me, page, web, web_with,
};
use crate::oidc::Endpoint::{Discovery, Jwks, Token, Userinfo};
use crate::oidc::{Provider, cancel, query, sign_in, with};
use crate::support::{self, Answer, Client, SECRET};
use crate::wrong::{assert_fails, assert_refused, written};

/// Everything that a callback may ask of a provider.
fn asked(provider: &Provider) -> usize {
    let all = [Discovery, Jwks, Token, Userinfo];
    all.into_iter()
        .map(|endpoint| provider.calls(endpoint))
        .sum()
}

fn path(callback: &str) -> &str {
    callback.strip_prefix(PUBLIC).unwrap()
}

/// A browser on its way back, and the URL that it was given.
async fn returning<A: Authority>(app: &App<A>, sub: &str) -> (Client, String) {
    let mut client = app.client();
    let url = depart(&mut client, "demo", "").await;
    let callback = sign_in(&url, sub).await;
    (client, callback)
}

/// Refused before anybody is asked, and nothing moves: whose journey it is can still come home.
async fn assert_untouched<A: Authority>(app: &App<A>, name: &str, client: &Client, callback: &str) {
    let before = (written(app).await, asked(&app.demo), asked(&app.other));
    let mut client = client.clone();
    let answer = bring(&mut client, callback).await;
    assert_refused(name, &answer, "invalid_state");
    assert_eq!(me(&client).await, "", "{name}");
    let after = (written(app).await, asked(&app.demo), asked(&app.other));
    assert_eq!(after, before, "{name}");
}

async fn with_cookies(client: &Client, callback: &str, cookies: &str) -> Answer {
    let mut bare = client.clone();
    bare.cookies.clear();
    let request = bare.request(Method::GET, path(callback));
    let request = request.header(COOKIE, cookies).body(Body::empty());
    client.send(request.unwrap()).await
}

#[tokio::test]
async fn sec_100_a_state_is_of_one_browser() {
    for_both(web().await, page().await).await;
}

async fn for_both<A: Authority, B: Authority>(web: App<A>, page: App<B>) {
    another_browser(&web).await;
    another_browser(&page).await;
}

async fn another_browser<A: Authority>(app: &App<A>) {
    let (mut ada, hers) = returning(app, "ada").await;
    let (mut grace, other) = returning(app, "grace").await;
    assert_untouched(app, "a browser that never left", &app.client(), &hers).await;
    assert_untouched(app, "swapped", &grace, &hers).await;
    assert_untouched(app, "swapped", &ada, &other).await;

    // Every other value under the right name, and the right value under another.
    let state = query(&hers)["state"].clone();
    let (name, own) = ada.cookies.first_key_value().unwrap();
    assert_eq!(*own, state);
    let theirs = &query(&other)["state"];
    for cookies in [
        format!("{name}="),
        format!("{name}={theirs}"),
        format!("{name}={}", &state[..42]),
        format!("{name}={state}A"),
        format!("{name}=\"{state}\""),
        format!("{name}={}", state.to_lowercase()),
        format!("oauth_state={state}"),
        format!("oauth_state_={state}"),
        format!("oauth_state_00000000={state}"),
        format!("{}={state}", name.to_uppercase()),
        // Planted beside it, before or behind: which of them is ours nobody can tell.
        format!("{name}={state}; {name}={theirs}"),
        format!("{name}={theirs}; {name}={state}"),
    ] {
        let answer = with_cookies(&ada, &hers, &cookies).await;
        assert_refused(&cookies, &answer, "invalid_state");
    }
    assert_eq!(app.demo.calls(Token), 0);

    bring(&mut ada, &hers).await;
    assert_eq!(me(&ada).await, "ada");
    bring(&mut grace, &other).await;
    assert_eq!(me(&grace).await, "grace");
}

#[tokio::test]
async fn sec_100_a_state_that_nobody_was_given_is_refused_with_any_cookie() {
    let app = web().await;
    // Names of cookies are no secret: whoever can plant one plants the right one.
    let forged = "A".repeat(43);
    let name = cookie_of(&forged);
    let (ada, hers) = returning(&app, "ada").await;
    let callback = with(&hers, "state", Some(&forged));
    assert_untouched(&app, "forged", &ada, &callback).await;
    let answer = with_cookies(&ada, &callback, &format!("{name}={forged}")).await;
    assert_refused("planted", &answer, "invalid_state");
    let own = &query(&hers)["state"];
    for odd in [
        "",
        "x",
        &own[1..],
        &format!("{own}="),
        &format!("{own}A"),
        &format!(" {own}"),
        &own.replace(&own[..1], "+"),
        &"é".repeat(21),
        &"A".repeat(5000),
    ] {
        let callback = with(&hers, "state", Some(odd));
        assert_untouched(&app, odd, &ada, &callback).await;
    }
    let callback = with(&hers, "state", None);
    let answer = ada.get(path(&callback)).await;
    assert_refused("without", &answer, "oauth_failed");
    assert_eq!(app.demo.calls(Token), 0);
    assert_eq!(app.count("SELECT count(*) FROM auth_oauth_states").await, 1);
}

#[tokio::test]
async fn sec_100_a_state_is_good_for_ten_minutes_and_once() {
    let app = web().await;
    let (ada, hers) = returning(&app, "ada").await;
    app.clock.advance(Duration::from_mins(10));
    let calls = asked(&app.demo);
    let answer = bring(&mut ada.clone(), &hers).await;
    assert_refused("expired", &answer, "invalid_state");
    // Turning the clock back brings nothing back.
    let answer = bring(&mut ada.clone(), &hers).await;
    assert_refused("spent", &answer, "invalid_state");
    assert_eq!(asked(&app.demo), calls);

    let mut ada = app.client();
    let url = depart(&mut ada, "demo", "").await;
    app.clock.advance(Duration::from_secs(599));
    let hers = sign_in(&url, "ada").await;
    let copy = ada.clone();
    bring(&mut ada, &hers).await;
    assert_eq!(me(&ada).await, "ada");
    assert_untouched(&app, "replayed", &copy, &hers).await;
    // The session that it gave is no way around it.
    ada.cookies.extend(copy.cookies);
    let answer = bring(&mut ada, &hers).await;
    assert_refused("replayed by its owner", &answer, "invalid_state");
}

#[tokio::test]
async fn sec_100_one_of_fifty_simultaneous_callbacks_comes_home() {
    let app = web().await;
    let (ada, hers) = returning(&app, "ada").await;
    let all = (0..50).map(|_| {
        let (mut client, callback) = (ada.clone(), hers.clone());
        tokio::spawn(async move { error(&bring(&mut client, &callback).await) })
    });
    let mut refused = 0;
    for one in all.collect::<Vec<_>>() {
        match &*one.await.unwrap() {
            "" => {}
            "invalid_state" => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!(refused, 49);
    assert_eq!(app.demo.calls(Token), 1);
    assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 1);
}

#[tokio::test]
async fn sec_100_a_state_is_of_one_provider() {
    for code_of in ["demo", "other"] {
        let app = web().await;
        let mut client = app.client();
        let url = depart(&mut client, "demo", "").await;
        let mut callback = sign_in(&url, "ada").await;
        let url = depart(&mut client, "other", "").await;
        let others = sign_in(&url, "ada").await;
        if code_of == "other" {
            // The code and the issuer are right there, the state is not.
            let state = query(&callback)["state"].clone();
            callback = with(&others, "state", Some(&state));
        }
        let calls = (asked(&app.demo), asked(&app.other));
        let callback = callback.replace("/oauth/demo/", "/oauth/other/");
        assert_fails(&app, "swapped", &mut client, &callback, "invalid_state").await;
        assert_eq!((asked(&app.demo), asked(&app.other)), calls);
        bring(&mut client, &others).await;
        assert_eq!(me(&client).await, "ada");
    }
}

#[tokio::test]
async fn sec_100_two_tabs_of_a_browser_do_not_disturb_one_another() {
    let app = web().await;
    for order in [[0, 1], [1, 0]] {
        let mut client = app.client();
        let mut tabs = Vec::new();
        for (provider, page) in [("demo", "/one"), ("demo", "/two")] {
            let asked = format!("?redirect_to={page}");
            let url = depart(&mut client, provider, &asked).await;
            tabs.push((sign_in(&url, "ada").await, page));
        }
        assert_eq!(client.cookies.len(), 2);
        for tab in order {
            let (callback, page) = &tabs[tab];
            let answer = bring(&mut client, callback).await;
            assert_eq!(answer.header("location"), Some(*page));
        }
        assert_eq!(me(&client).await, "ada");
    }
}

async fn beside(app: &App<Web>, secrets: &[&str]) -> Client {
    let pool = support::pool(&app.file.url(), 2).await;
    let auth = Web::builder(pool)
        .secrets(secrets.iter().copied())
        .clock(app.clock.clone())
        .cheap_hashing()
        .manual_workers()
        .public_url(PUBLIC)
        .oidc("demo", credentials(&app.demo))
        .oidc("other", credentials(&app.other))
        .oidc("loose", credentials(&app.loose))
        .await
        .unwrap();
    let router = crudauth::routing::Router::new()
        .mount(&auth)
        .with_state(auth.clone())
        .into_axum();
    Client::new(router)
}

#[tokio::test]
async fn sec_100_a_state_is_of_the_secret_that_it_was_given_under() {
    const OTHER: &str = "another root secret, as long as it has to be";
    let app = web().await;
    let (mut ada, hers) = returning(&app, "ada").await;
    let mut elsewhere = beside(&app, &[OTHER]).await;
    elsewhere.cookies.clone_from(&ada.cookies);
    assert_untouched(&app, "another secret", &elsewhere, &hers).await;
    // A rotation in between disturbs nobody.
    let mut rotated = beside(&app, &[OTHER, SECRET]).await;
    rotated.cookies = std::mem::take(&mut ada.cookies);
    let answer = bring(&mut rotated, &hers).await;
    assert_eq!(answer.header("location"), Some("/landing"));
    assert_eq!(me(&rotated).await, "ada");
}

/// A copy of the database completes nobody's sign-in: neither the state nor what is derived from it is there.
#[tokio::test]
async fn sec_100_the_database_holds_no_state_and_no_verifier() {
    let app = web().await;
    let mut client = app.client();
    let url = depart(&mut client, "demo", "?redirect_to=/dash").await;
    let sent = query(&url);
    let callback = sign_in(&url, "ada").await;
    let code = query(&callback)["code"].clone();
    let before = dump(&app).await;
    assert!(contains(&before, "/dash"), "the dump holds the row");
    bring(&mut client, &callback).await;
    let exchange = app.demo.seen(Token).remove(0);
    let form = String::from_utf8(exchange.body.to_vec()).unwrap();
    let form = query(&format!("http://x/?{form}"));
    let verifier = &form["code_verifier"];
    assert!((43..=128).contains(&verifier.len()));
    let after = dump(&app).await;
    for dump in [&before, &after] {
        for secret in [
            &sent["state"],
            &sent["nonce"],
            &sent["code_challenge"],
            verifier,
            &code,
        ] {
            assert!(!contains(dump, secret), "{secret}");
            let bytes = base64(secret);
            assert!(!dump.windows(bytes.len()).any(|part| part == bytes));
        }
    }
}

fn base64(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(text)
        .unwrap()
}

fn contains(dump: &[u8], text: &str) -> bool {
    dump.windows(text.len()).any(|part| part == text.as_bytes())
}

async fn dump<A>(app: &App<A>) -> Vec<u8> {
    let mut all = Vec::new();
    for table in app.db.tables().await {
        for (column, bytes) in app.db.bytes(&table).await {
            all.extend(column.bytes());
            all.push(0);
            all.extend(bytes);
            all.push(0);
        }
    }
    all
}

/// No connection is held while the provider is asked: with one there is, two journeys at once come home.
#[tokio::test]
async fn journeys_share_one_connection() {
    let app = web_with(1).await;
    let journeys = ["ada", "grace"].map(|sub| {
        let mut client = app.client();
        async move {
            by(&mut client, "demo", sub).await;
            me(&client).await
        }
    });
    let names = futures_util::future::join_all(journeys).await;
    assert_eq!(names, ["ada", "grace"]);
}

/// A code is one person's: brought by another browser with a state of its own, it opens nothing (RFC 9700 §4.5).
#[tokio::test]
async fn sec_100_a_code_of_another_journey_is_refused() {
    let app = web().await;
    let (_, stolen) = returning(&app, "ada").await;
    let (mut eve, own) = returning(&app, "mallory").await;
    let injected = with(&own, "code", Some(&query(&stolen)["code"]));
    assert_fails(&app, "injected", &mut eve, &injected, "oauth_failed").await;
    assert_eq!(app.count("SELECT count(*) FROM users").await, 0);
}

#[tokio::test]
async fn sec_100_somebody_who_would_rather_not_has_spent_the_state() {
    let app = web().await;
    let mut client = app.client();
    let url = depart(&mut client, "demo", "").await;
    let callback = cancel(&url).await;
    assert_eq!(query(&callback)["error"], "access_denied");
    let calls = asked(&app.demo);
    assert_untouched(&app, "of another browser", &app.client(), &callback).await;
    // Whatever the provider adds is told to nobody.
    let told = with(
        &callback,
        "error_description",
        Some("//evil.example\"><script>"),
    );
    assert_fails(&app, "cancelled", &mut client, &told, "oauth_failed").await;
    assert_eq!(asked(&app.demo), calls);
    let alone = format!("{PUBLIC}/oauth/demo/callback?error=access_denied");
    let answer = bring(&mut client, &alone).await;
    assert_refused("without a state", &answer, "oauth_failed");
    assert!(answer.set_cookies().is_empty());
    assert_eq!(answer.json(), Value::Null);
}
