//! Fixed-window limits of the mounted routes (contract §2.8).

use std::time::Duration;

use crudauth::auth;
use serde_json::{Value, json};

use crate::custom;
use crate::support::{self, Answer, Client, PASSWORD, TestApp, User};

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[rate_limit(register = "off", change_password = "off", logout_all = "off", csrf_refresh = "off")]
    pub struct Unlimited<User>;
}

fn sign_up(name: &str) -> Value {
    json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD })
}

fn left(answer: &Answer) -> (u16, Option<&str>, Option<&str>) {
    (
        answer.status.as_u16(),
        answer.header("x-ratelimit-limit"),
        answer.header("x-ratelimit-remaining"),
    )
}

/// Puts the clock on the beginning of an hour: windows are aligned to the wall clock.
fn to_the_hour(app: &TestApp) {
    let past = app.clock.now().as_micros().rem_euclid(3_600_000_000);
    app.clock.advance(Duration::from_micros(
        u64::try_from(3_600_000_000 - past).unwrap(),
    ));
}

#[tokio::test]
async fn five_sign_ups_an_hour_from_one_address_and_headers_on_every_answer() {
    let app = TestApp::start().await;
    to_the_hour(&app);
    let client = app.client();

    for turn in 0..4_u32 {
        let answer = client
            .post_json("/register", &sign_up(&format!("user{turn}")))
            .await;
        assert_eq!(
            left(&answer),
            (200, Some("5"), Some((4 - turn).to_string().as_str()))
        );
    }
    let taken = client.post_json("/register", &sign_up("user0")).await;
    assert_eq!(
        left(&taken),
        (422, Some("5"), Some("0")),
        "a refusal after counting carries them too"
    );
    app.clock.advance(Duration::from_millis(600_250));
    let over = client.post_json("/register", &sign_up("late")).await;

    assert_eq!(left(&over), (429, Some("5"), Some("0")));
    assert_eq!(
        over.header("retry-after"),
        Some("3000"),
        "the rest of the window, rounded up"
    );
    assert_eq!(over.json()["detail"], "Too many requests. Try again later.");
    assert_eq!(over.code(), "rate_limited");
    let other = app
        .client()
        .from("192.0.2.99")
        .post_json("/register", &sign_up("late"))
        .await;
    assert_eq!(other.status, 200, "another address has its own");
}

#[tokio::test]
async fn windows_are_aligned_to_the_wall_clock() {
    let app = TestApp::start().await;
    to_the_hour(&app);
    app.clock.advance(Duration::from_secs(3599));
    let client = app.client();
    for turn in 0..5 {
        assert_eq!(
            client
                .post_json("/register", &sign_up(&format!("a{turn}")))
                .await
                .status,
            200
        );
    }
    assert_eq!(
        client
            .post_json("/register", &sign_up("b"))
            .await
            .header("retry-after"),
        Some("1")
    );

    app.clock.advance(Duration::from_secs(1));

    assert_eq!(
        left(&client.post_json("/register", &sign_up("b")).await),
        (200, Some("5"), Some("4"))
    );
}

#[tokio::test]
async fn only_sign_ups_that_pass_validation_count() {
    let app = TestApp::start().await;
    let client = app.client();
    let malformed = [
        json!({ "email": "nope", "username": "u", "password": PASSWORD }),
        json!({ "email": "a@example.com", "username": "u", "password": "short" }),
        json!({ "email": "a@example.com", "password": PASSWORD }),
        json!(["no object"]),
    ];

    for _ in 0..5 {
        for body in &malformed {
            let answer = client.post_json("/register", body).await;
            assert_eq!(left(&answer), (422, Some("5"), Some("5")));
        }
    }

    assert_eq!(
        left(&client.post_json("/register", &sign_up("ada")).await),
        (200, Some("5"), Some("4"))
    );
}

#[tokio::test]
async fn addresses_count_by_network_and_mapped_ones_as_ipv4() {
    let app = TestApp::start().await;
    let at = |ip: &str| Client::new(app.router.clone()).from(ip);
    for turn in 0..5 {
        let client = at(&format!("2001:db8:1:2::{turn}"));
        assert_eq!(
            client
                .post_json("/register", &sign_up(&format!("six{turn}")))
                .await
                .status,
            200
        );
    }
    assert_eq!(
        at("2001:db8:1:2:ffff::9")
            .post_json("/register", &sign_up("x"))
            .await
            .status,
        429
    );
    assert_eq!(
        at("2001:db8:1:3::1")
            .post_json("/register", &sign_up("y"))
            .await
            .status,
        200,
        "the next /64"
    );

    for turn in 0..5 {
        assert_eq!(
            at("198.51.100.7")
                .post_json("/register", &sign_up(&format!("four{turn}")))
                .await
                .status,
            200
        );
    }
    assert_eq!(
        at("::ffff:198.51.100.7")
            .post_json("/register", &sign_up("z"))
            .await
            .status,
        429
    );
    assert_eq!(
        at("198.51.100.8")
            .post_json("/register", &sign_up("z"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn sec_040_forwarding_headers_do_not_change_the_bucket() {
    let app = TestApp::start().await;
    let client = app.client();
    for turn in 0..6_u8 {
        let request = client
            .request(axum::http::Method::POST, "/register")
            .header("content-type", support::JSON)
            .header("x-forwarded-for", format!("203.0.113.{turn}"))
            .header("forwarded", format!("for=203.0.113.{turn}"))
            .header("x-real-ip", format!("203.0.113.{turn}"));
        let body = sign_up(&format!("user{turn}")).to_string();
        let answer = client.send(request.body(body.into()).unwrap()).await;
        assert_eq!(answer.status == 429, turn == 5, "{}", answer.text);
    }
}

#[tokio::test]
async fn changing_the_password_is_limited_per_user_wherever_it_comes_from() {
    let app = TestApp::start().await;
    app.register("ada").await;
    app.register("bob").await;
    let ada = app.signed_in("ada").await;
    let body =
        json!({ "current_password": "wrong password", "new_password": "another good password" });
    for turn in 0..5_u8 {
        let answer = ada
            .clone()
            .from(&format!("198.51.100.{turn}"))
            .post_json("/change-password", &body)
            .await;
        assert_eq!(
            left(&answer),
            (401, Some("5"), Some((4 - turn).to_string().as_str()))
        );
    }

    let over = ada.post_json("/change-password", &body).await;
    let bob = app
        .signed_in("bob")
        .await
        .post_json("/change-password", &body)
        .await;

    assert_eq!(left(&over), (429, Some("5"), Some("0")));
    assert!(over.header("retry-after").is_some());
    assert_eq!(
        left(&bob),
        (401, Some("5"), Some("4")),
        "the same address, another user"
    );
}

#[tokio::test]
async fn signing_out_everywhere_is_limited_per_user() {
    let app = TestApp::start().await;
    app.register("ada").await;
    app.register("bob").await;
    let ada = app.signed_in("ada").await;
    for turn in 0..10_u8 {
        let answer = ada.post("/logout-all?keep_current=true").await;
        assert_eq!(
            left(&answer),
            (200, Some("10"), Some((9 - turn).to_string().as_str()))
        );
    }

    let over = ada.post("/logout-all?keep_current=true").await;
    let wrong = app
        .signed_in("bob")
        .await
        .post("/logout-all?keep_current=perhaps")
        .await;

    assert_eq!(left(&over), (429, Some("10"), Some("0")));
    assert_eq!(
        left(&wrong),
        (422, Some("10"), Some("9")),
        "headers on a refusal as well"
    );
    assert_eq!(
        ada.get("/me").await.status,
        200,
        "and nobody was signed out by the refusal"
    );
}

#[tokio::test]
async fn asking_for_a_csrf_token_is_limited_per_address_even_without_a_session() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let ada = app.signed_in("ada").await;
    for turn in 0..30_u8 {
        let client = if turn % 2 == 0 {
            ada.clone()
        } else {
            app.client()
        };
        let expected = if turn % 2 == 0 { 200 } else { 401 };
        let answer = client.post("/csrf/refresh").await;
        assert_eq!(
            left(&answer),
            (expected, Some("30"), Some((29 - turn).to_string().as_str()))
        );
    }

    assert_eq!(
        left(&ada.post("/csrf/refresh").await),
        (429, Some("30"), Some("0"))
    );
    assert_eq!(
        ada.clone()
            .from("192.0.2.44")
            .post("/csrf/refresh")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_limit_that_is_off_counts_nothing_and_says_nothing() {
    let app = custom!(Unlimited);
    let client = app.client();
    for turn in 0..8 {
        let answer = client
            .post_json("/register", &sign_up(&format!("user{turn}")))
            .await;
        assert_eq!(left(&answer), (200, None, None));
    }
    let user = app.signed_in("user0").await;
    for _ in 0..35 {
        assert_eq!(left(&user.post("/csrf/refresh").await), (200, None, None));
        assert_eq!(
            left(&user.post("/logout-all?keep_current=true").await),
            (200, None, None)
        );
    }
    assert_eq!(app.count("SELECT count(*) FROM auth_limits").await, 0);
}

#[tokio::test]
async fn a_hundred_sign_ups_at_once_from_one_address_pass_five_times() {
    let app = TestApp::start().await;
    let answers = futures_util::future::join_all((0..100).map(|turn| {
        let client = app.client();
        async move {
            client
                .post_json("/register", &sign_up(&format!("user{turn}")))
                .await
                .status
                .as_u16()
        }
    }))
    .await;

    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 5);
    assert_eq!(answers.iter().filter(|status| **status == 429).count(), 95);
    assert_eq!(app.count("SELECT count(*) FROM users").await, 5);
}
