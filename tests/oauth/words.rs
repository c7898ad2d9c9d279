//! What is asked and told, whole: every parameter, every field, every attribute, and no more than the contract says (§1.14).

use std::collections::BTreeSet;

use crudauth::auth;
use crudauth::testing::TestBuilder;
use serde_json::json;

use crate::elsewhere::{PUBLIC, bring, by, credentials, depart, me, page, web};
use crate::oidc::{cancel, query, sign_in};
use crate::support::{self, Answer, Client, SECRET, User};

fn keys(url: &str) -> BTreeSet<String> {
    query(url).into_keys().collect()
}

/// Each cookie's name, and what stands behind its value.
fn attributes(answer: &Answer) -> Vec<(String, String)> {
    let one = |cookie: &str| {
        let (name, rest) = cookie.split_once('=').unwrap();
        let attributes = rest.split("; ").skip(1);
        // Two applications need not have been started within one second.
        let attributes = attributes.filter(|one| !one.starts_with("expires="));
        let name = name
            .split_at(name.find("state_").map_or(name.len(), |at| at + 6))
            .0;
        (name.to_owned(), attributes.collect::<Vec<_>>().join("; "))
    };
    let mut all: Vec<_> = answer.set_cookies().into_iter().map(one).collect();
    all.sort();
    all
}

#[tokio::test]
async fn both_modes_ask_the_same_and_bind_it_alike() {
    let (web, page) = (web().await, page().await);
    let sent = web
        .client()
        .get("/oauth/demo/authorize?redirect_to=/dash")
        .await;
    let told = page
        .client()
        .get("/oauth/demo/authorize?redirect_to=/dash")
        .await;
    assert_eq!((sent.status.as_u16(), told.status.as_u16()), (307, 200));
    assert_eq!(sent.text, "");
    let url = told.json()["url"].as_str().unwrap().to_owned();
    assert_eq!(told.json(), json!({ "url": &url }));
    let expected: BTreeSet<String> = [
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "nonce",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
    ]
    .map(str::to_owned)
    .into();
    for url in [sent.header("location").unwrap(), &url] {
        assert_eq!(keys(url), expected);
        assert_eq!(query(url)["scope"], "openid email profile");
        assert_eq!(query(url)["response_type"], "code");
    }
    let cookie = [(
        "oauth_state_".to_owned(),
        "HttpOnly; Max-Age=600; Path=/; SameSite=lax; Secure".to_owned(),
    )];
    assert_eq!(attributes(&sent), cookie);
    assert_eq!(attributes(&told), cookie);
}

#[tokio::test]
async fn both_modes_open_the_same_session_and_json_says_whose() {
    let (web, page) = (web().await, page().await);
    let (mut browser, mut script) = (web.client(), page.client());
    let sent = by(&mut browser, "demo", "ada").await;
    let told = by(&mut script, "demo", "ada").await;
    assert_eq!((sent.status.as_u16(), &*sent.text), (307, ""));
    let id: i64 = page.db.query("SELECT id FROM users").scalar().await;
    let body = json!({
        "user": { "user_id": id, "username": "ada", "email": "ada@example.com", "is_superuser": false },
        "csrf_token": script.cookies["csrf_token"],
        "redirect_to": "/landing",
    });
    assert_eq!(told.json(), body);
    assert_eq!(attributes(&sent), attributes(&told));
    let names: Vec<_> = attributes(&sent)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        names,
        ["csrf_token", "device_id", "oauth_state_", "session_id"]
    );
    let gone = attributes(&sent).remove(2).1;
    assert!(
        gone.contains("Max-Age=0") && gone.contains("Path=/") && gone.contains("SameSite=lax"),
        "{gone}"
    );
    // The token that JSON tells is the session's: it opens what needs one.
    assert_eq!(script.post("/logout").await.status, 200);
    assert_eq!(me(&script).await, "");
}

/// What is in a URL of the journey goes nowhere else: no page that it leads to is told of it, and nobody keeps the answer.
#[tokio::test]
async fn sec_098_no_page_behind_a_journey_is_told_its_code() {
    let (web, page) = (web().await, page().await);
    let mut answers = Vec::new();
    for (mut client, demo) in [(web.client(), &web.demo), (page.client(), &page.demo)] {
        let gone = client.get("/oauth/demo/authorize").await;
        client.keep(&gone);
        let told = gone.json()["url"].as_str().map(str::to_owned);
        let url = told.or(gone.header("location").map(str::to_owned)).unwrap();
        assert!(url.starts_with(demo.url()), "{url}");
        let callback = sign_in(&url, "ada").await;
        let mut stranger = client.clone();
        stranger.cookies.clear();
        answers.push(bring(&mut stranger, &callback).await);
        answers.push(bring(&mut client, &callback).await);
        answers.push(bring(&mut client, &callback).await);
        answers.push(client.get("/oauth/demo/callback?code=a&error=b").await);
        answers.push(client.get("/oauth/demo/callback?code=a&code=b").await);
    }
    let codes: Vec<_> = answers
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    assert_eq!(codes, [307, 307, 307, 307, 307, 400, 200, 400, 400, 400]);
    for answer in answers {
        assert_eq!(
            answer.header("referrer-policy"),
            Some("no-referrer"),
            "{}",
            answer.text
        );
        assert_eq!(
            answer.header("cache-control"),
            Some("no-store"),
            "{}",
            answer.text
        );
    }
}

auth! {
    #[database(sqlite, postgres)]
    #[oauth(oidc("demo"), default_redirect = "/landing?from=provider")]
    struct Asking<User>;
}

/// `&` if the page has a query already, and the same for a refusal before anybody has left.
#[tokio::test]
async fn a_page_with_a_query_is_told_why_behind_it() {
    let (file, pool) = support::database(5).await;
    let clock = crudauth::testing::Clock::manual();
    let demo = crate::elsewhere::provider(&clock).await;
    let auth = Asking::builder(pool)
        .secret(SECRET)
        .clock(clock.clone())
        .cheap_hashing()
        .manual_workers()
        .public_url(PUBLIC)
        .oidc("demo", credentials(&demo))
        .await
        .unwrap();
    let mut client = Client::new(auth.router());
    let answer = by(&mut client, "demo", "ada").await;
    assert_eq!(answer.header("location"), Some("/landing?from=provider"));
    assert_eq!(me(&client).await, "ada");
    for (choice, code) in [
        ("cancel", "oauth_failed"),
        ("nobody", "email_missing"),
        ("mallory", "email_unverified"),
        ("stranger", "invalid_state"),
    ] {
        let mut client = Client::new(auth.router());
        let url = depart(&mut client, "demo", "?redirect_to=/dash").await;
        let callback = match choice {
            "cancel" => cancel(&url).await,
            "stranger" => {
                client.cookies.clear();
                sign_in(&url, "ada").await
            }
            sub => sign_in(&url, sub).await,
        };
        let answer = bring(&mut client, &callback).await;
        let page = format!("/landing?from=provider&error={code}");
        assert_eq!(answer.header("location"), Some(&*page));
    }
    drop(demo);
    clock.advance(std::time::Duration::from_hours(1));
    let answer = client.get("/oauth/demo/authorize").await;
    assert_eq!(
        answer.header("location"),
        Some("/landing?from=provider&error=oauth_failed")
    );
    drop(file);
}
