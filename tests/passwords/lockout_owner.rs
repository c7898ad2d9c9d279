//! What the lock must not do: shut the owner out, punish right passwords, spread from an address to an account; and
//! where guessing ends for good.

use std::time::Duration;

use crudauth::auth;
use crudauth::testing::hashes_done;
use futures_util::future::join_all;

use crate::custom;
use crate::support::{Answer, Client, PASSWORD, TestApp, User, fresh_address};

auth! {
    #[database(sqlite, postgres)]
    #[password(wait = "1s")]
    pub struct Impatient<User>;
}

async fn guess(router: &axum::Router, ip: &str, name: &str) -> Answer {
    Client::new(router.clone())
        .from(ip)
        .login(name, "wrong password")
        .await
}

/// A browser that has nothing but this device cookie.
fn browser(router: &axum::Router, device: &str) -> Client {
    let mut client = Client::new(router.clone()).from(&fresh_address());
    client
        .cookies
        .insert("device_id".to_owned(), device.to_owned());
    client
}

#[tokio::test]
async fn sec_036_500_strangers_failures_do_not_shut_the_owners_browser_out() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let owner = app.signed_in("ada").await;
    for _ in 0..500 {
        let answer = guess(&app.router, &fresh_address(), "ada").await;
        assert!(answer.status == 401 || answer.status == 429);
    }
    let stranger = Client::new(app.router.clone())
        .from(&fresh_address())
        .login("ada", PASSWORD)
        .await;
    assert_eq!(stranger.status, 429, "strangers are locked out");

    let answer = browser(&app.router, &owner.cookies["device_id"])
        .login("ada", PASSWORD)
        .await;

    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn sec_036_a_device_cookie_of_another_account_or_a_forged_one_opens_nothing() {
    let app = TestApp::start().await;
    app.register("ada").await;
    app.register("mallory").await;
    let mallory = app.signed_in("mallory").await.cookies["device_id"].clone();
    let ada = app.signed_in("ada").await.cookies["device_id"].clone();
    let (nonce, mac) = ada.split_once('.').unwrap();
    let flipped = if mac.starts_with('0') { "1" } else { "0" };
    let forged = [
        mallory.clone(),
        format!("{nonce}.{}", &mallory[mallory.len() - 64..]),
        format!("{nonce}.{flipped}{}", &mac[1..]),
        format!("{nonce}x.{mac}"),
        format!("{nonce}.{}", mac.to_uppercase()),
        format!("{nonce}."),
        nonce.to_owned(),
        String::new(),
    ];
    for _ in 0..6 {
        guess(&app.router, &fresh_address(), "ada").await;
    }

    for device in forged {
        let answer = browser(&app.router, &device).login("ada", PASSWORD).await;
        assert_eq!(answer.status, 429, "{device}");
    }
}

#[tokio::test]
async fn sec_036_a_known_browser_has_a_budget_of_its_own_and_no_more() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let device = app.signed_in("ada").await.cookies["device_id"].clone();
    let mut seen = Vec::new();

    for _ in 0..6 {
        seen.push(
            browser(&app.router, &device)
                .login("ada", "wrong password")
                .await
                .status
                .as_u16(),
        );
    }

    assert_eq!(seen, [401, 401, 401, 401, 401, 429]);
}

#[tokio::test]
async fn twelve_right_passwords_at_once_from_one_address_all_succeed() {
    let app = TestApp::start().await;
    for user in 0..12 {
        app.register(&format!("user{user}")).await;
    }

    let answers = join_all((0..12).map(|user| {
        let router = app.router.clone();
        async move {
            Client::new(router)
                .from("192.0.2.7")
                .login(&format!("user{user}"), PASSWORD)
                .await
        }
    }))
    .await;

    let statuses: Vec<_> = answers
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    assert_eq!(statuses, [200; 12]);
}

#[tokio::test]
async fn an_address_over_its_budget_does_not_spend_the_accounts() {
    let app = TestApp::start().await;
    app.register("ada").await;
    for name in 0..5 {
        guess(&app.router, "192.0.2.66", &format!("other{name}")).await;
    }
    for _ in 0..20 {
        assert_eq!(guess(&app.router, "192.0.2.66", "ada").await.status, 429);
    }

    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(
            guess(&app.router, &fresh_address(), "ada")
                .await
                .status
                .as_u16(),
        );
    }

    assert_eq!(seen, [401; 4], "the account's five places are all there");
    let answer = app
        .client()
        .from(&fresh_address())
        .login("ada", PASSWORD)
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_burnt_address_does_not_send_home_those_who_wait_for_the_account_it_names() {
    let app = TestApp::start().await;
    app.register("ada").await;
    for name in 0..6 {
        guess(&app.router, "192.0.2.66", &format!("other{name}")).await;
    }
    guess(&app.router, "192.0.2.8", "ada").await;
    guess(&app.router, "192.0.2.9", "ada").await;
    // Two failures, and four attempts in flight: every place is held.
    let hold = "UPDATE auth_attempts SET pending = 4 WHERE run = 2";
    assert_eq!(app.db.query(hold).execute().await, 1);
    let untouched =
        "SELECT count(*) FROM auth_attempts WHERE failures = 0 AND run = 0 AND pending = 0";
    let before = app.count(untouched).await;
    let router = app.router.clone();
    let owner = tokio::spawn(async move {
        Client::new(router)
            .from("192.0.2.10")
            .login("ada", PASSWORD)
            .await
    });
    while app.count(untouched).await == before {
        tokio::task::yield_now().await; // until the owner's address has tried and was told to wait
    }

    for _ in 0..5 {
        assert_eq!(guess(&app.router, "192.0.2.66", "ada").await.status, 429);
    }
    app.db
        .run("UPDATE auth_attempts SET pending = 0 WHERE run = 2")
        .await;

    assert_eq!(owner.await.unwrap().status, 200);
}

#[tokio::test]
async fn places_that_a_dead_process_held_lapse_although_the_owner_keeps_trying() {
    let app = custom!(Impatient);
    app.register("ada").await;
    guess(&app.router, "192.0.2.8", "ada").await;
    app.db
        .run("UPDATE auth_attempts SET pending = 5 WHERE run = 1")
        .await;
    let mut seen = Vec::new();

    for _ in 0..4 {
        seen.push(
            app.client()
                .from(&fresh_address())
                .login("ada", PASSWORD)
                .await
                .status
                .as_u16(),
        );
        app.clock.advance(Duration::from_secs(25));
    }

    assert_eq!(seen, [503, 503, 503, 200]);
}

#[tokio::test]
async fn sec_025_every_spelling_of_one_account_spends_one_budget() {
    // Authelia CVE-2025-24806: the lock was keyed on what was typed.
    let app = TestApp::start().await;
    app.register("ada").await;
    let before = hashes_done(&app.auth);
    let spellings = [
        "ada@example.com",
        "ADA@Example.COM",
        "  ada@example.com ",
        "ada",
        "Ada@EXAMPLE.com",
    ];
    let mut judged = 0;

    for turn in 0..30 {
        let answer = guess(
            &app.router,
            &fresh_address(),
            spellings[turn % spellings.len()],
        )
        .await;
        judged += u64::from(answer.status == 401);
    }

    assert_eq!((judged, hashes_done(&app.auth) - before), (5, 5));
}
