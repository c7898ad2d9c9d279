//! Refresh tokens: each is replaced when it is used, one that comes back ends its family, and a family ends at its limit.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use crudauth::auth;
use crudauth::hooks::{AccountEvent, HookResult, Hooks};
use crudauth::testing::Clock;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::custom;
use crate::log;
use crate::support::{Answer, PASSWORD, User};
use crate::tokens::{App, Pair, app, refresh, token};

const SECOND: Duration = Duration::from_secs(1);
const MICRO: Duration = Duration::from_micros(1);
const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

fn is_refused(answer: &Answer) {
    assert_eq!(answer.status, 401, "{}", answer.text);
    assert_eq!(
        answer.json(),
        json!({ "detail": "Invalid or expired refresh token", "code": "refresh_token_invalid",
            "error": "invalid_grant", "error_description": "Invalid or expired refresh token" })
    );
}

async fn renewed(app: &App, token: &str) -> Pair {
    let answer = app.refresh(token).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    Pair::of(&answer)
}

async fn is_live(app: &App, access: &str) -> bool {
    let answer = app.get("/me", access).await;
    if answer.status != 200 {
        assert_eq!(answer.code(), "not_authenticated", "{}", answer.text);
    }
    answer.status == 200
}

/// Every family, whole.
async fn rows(app: &App) -> Vec<(String, Vec<u8>)> {
    app.db.bytes("auth_refresh_tokens").await
}

fn back(clock: &Clock, span: Duration) {
    clock.set(clock.now().minus(span));
}

#[tokio::test]
async fn sec_082_a_lost_answer_is_given_again_for_ten_seconds() {
    let app = app().await;
    app.register("ada").await;
    let first = app.pair("ada").await;
    let second = renewed(&app, &first.refresh).await;
    assert_ne!(first.refresh, second.refresh);
    for wait in [Duration::ZERO, SECOND, SECOND * 8, SECOND] {
        app.clock.advance(wait);
        let again = renewed(&app, &first.refresh).await;
        assert_eq!(again.refresh, second.refresh);
        assert!(is_live(&app, &again.access).await);
    }
    assert_eq!(app.families().await, 1);
    // Whichever of the answers arrived, its token goes on.
    let third = renewed(&app, &second.refresh).await;
    assert!(is_live(&app, &third.access).await);
    assert!(is_live(&app, &first.access).await);
}

#[tokio::test]
async fn sec_081_after_ten_seconds_a_replaced_token_ends_its_family() {
    let app = app().await;
    app.register("ada").await;
    let (other, kept) = (app.pair("ada").await, app.signed_in("ada").await);
    let first = app.pair("ada").await;
    let second = renewed(&app, &first.refresh).await;
    app.clock.advance(SECOND * 10 + MICRO);
    is_refused(&app.refresh(&first.refresh).await);

    is_refused(&app.refresh(&second.refresh).await);
    assert!(!is_live(&app, &first.access).await);
    assert!(!is_live(&app, &second.access).await);
    // Another sign-in of theirs has nothing to do with it.
    assert_eq!(app.families().await, 1);
    assert!(is_live(&app, &other.access).await);
    renewed(&app, &other.refresh).await;
    assert_eq!(kept.get("/me").await.status, 200);
}

/// Of a copy at generation `stolen` of a family that the owner has rotated `turns` times, or the thief has.
#[tokio::test]
async fn sec_081_thief_and_owner_both_end_logged_out() {
    let app = app().await;
    app.register("ada").await;
    for turns in 1..5 {
        for stolen in 0..turns {
            let mut held = vec![app.pair("ada").await];
            for _ in 0..turns {
                let last = &held[held.len() - 1];
                held.push(renewed(&app, &last.refresh).await);
                app.clock.advance(MINUTE);
            }
            // One of the two has rotated; the other one comes with what it still has.
            is_refused(&app.refresh(&held[stolen].refresh).await);
            for pair in &held {
                assert!(!is_live(&app, &pair.access).await, "{turns} {stolen}");
                is_refused(&app.refresh(&pair.refresh).await);
            }
            assert_eq!(app.families().await, 0, "{turns} {stolen}");
        }
    }
}

/// A thief who is within the grace period gets what the owner gets, and is found out by the next use.
#[tokio::test]
async fn sec_081_a_thief_within_the_grace_period_is_found_out() {
    for thief_goes_on in [false, true] {
        let app = app().await;
        app.register("ada").await;
        let stolen = app.pair("ada").await;
        let owner = renewed(&app, &stolen.refresh).await;
        let thief = renewed(&app, &stolen.refresh).await;
        assert_eq!(owner.refresh, thief.refresh, "one branch");
        let (one, two) = if thief_goes_on {
            (&thief, &owner)
        } else {
            (&owner, &thief)
        };
        let newest = renewed(&app, &one.refresh).await;
        app.clock.advance(MINUTE);
        is_refused(&app.refresh(&two.refresh).await);
        for pair in [&stolen, &owner, &thief, &newest] {
            assert!(!is_live(&app, &pair.access).await);
            is_refused(&app.refresh(&pair.refresh).await);
        }
    }
}

/// Remembers whose tokens came back, and from where.
#[derive(Debug, Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Hooks<User> for Told {
    async fn refresh_token_reused(&self, event: &AccountEvent<i64>) -> HookResult {
        let origin = &event.origin;
        self.0.lock().unwrap().push(format!(
            "{} {} {} {}",
            event.account.id,
            origin.ip.unwrap(),
            origin.transport.unwrap(),
            origin.session_handle.as_deref().unwrap()
        ));
        Ok(())
    }
}

auth! {
    #[database(sqlite, postgres)]
    #[hooks(Told)]
    #[bearer(refresh(deliver = "body"))]
    struct Hooked<User>;
}

#[tokio::test]
async fn sec_081_fifty_replays_are_told_once() {
    let told = Told::default();
    let app = custom!(Hooked, 5, hooks(told.clone()));
    let kept = log::keep().await;
    let id = app.register("ada").await;
    let first = Pair::of(&token(&app.client(), "ada", PASSWORD, "").await);
    let second = Pair::of(&refresh(&app.client(), &first.refresh).await);
    app.clock.advance(MINUTE);
    assert!(told.0.lock().unwrap().is_empty());

    let client = app.client().from("198.51.100.7");
    let answers = join_all((0..50).map(|_| refresh(&client, &first.refresh))).await;
    for answer in &answers {
        is_refused(answer);
    }
    is_refused(&refresh(&client, &second.refresh).await);
    is_refused(&refresh(&client, &first.refresh).await);

    let family = claims(&first.access)["sid"].as_str().unwrap().to_owned();
    let calls = told.0.lock().unwrap().clone();
    assert_eq!(calls, [format!("{id} 198.51.100.7 bearer {family}")]);
    let log = kept.text();
    let told = |line: &&str| line.starts_with("WARN") && line.contains(&*family);
    let lines: Vec<_> = log.lines().filter(told).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("a spent refresh token came back"));
    for token in [&first.refresh, &second.refresh] {
        // All but the family, which is no secret.
        assert!(!log.contains(&token[30..]), "{token}");
    }
}

#[tokio::test]
async fn sec_080_a_family_that_is_used_daily_ends_at_its_limit() {
    let app = app().await;
    app.register("ada").await;
    let begun = app.clock.now();
    let end = begun.plus(DAY * 30);
    let mut pair = app.pair("ada").await;
    for day in 1..30 {
        app.clock.set(begun.plus(DAY * day));
        let answer = app.refresh(&pair.refresh).await;
        assert_eq!(
            answer.json()["expires_in"],
            900,
            "day {day}: {}",
            answer.text
        );
        pair = Pair::of(&answer);
    }
    for left in [899, 600, 61, 2] {
        app.clock.set(end.minus(SECOND * left));
        let answer = app.refresh(&pair.refresh).await;
        assert_eq!(answer.json()["expires_in"], left, "{}", answer.text);
        pair = Pair::of(&answer);
        assert!(is_live(&app, &pair.access).await);
        let exp = claims(&pair.access)["exp"].as_i64().unwrap();
        assert!(exp <= end.as_secs() && exp >= end.as_secs() - 1, "{exp}");
    }
    app.clock.set(end.minus(MICRO));
    assert!(is_live(&app, &pair.access).await);
    // No leeway for other clocks: the row has one.
    app.clock.set(end);
    assert!(!is_live(&app, &pair.access).await);
    is_refused(&app.refresh(&pair.refresh).await);
    assert_eq!(app.families().await, 0);
}

fn claims(access: &str) -> Value {
    let payload = access.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn sec_141_a_clock_that_is_set_back_revives_no_family() {
    let app = app().await;
    app.register("ada").await;
    let pair = app.pair("ada").await;
    app.clock.advance(DAY * 30);
    is_refused(&app.refresh(&pair.refresh).await);
    back(&app.clock, DAY * 30);
    is_refused(&app.refresh(&pair.refresh).await);
    assert!(!is_live(&app, &pair.access).await);
}

#[tokio::test]
async fn sec_141_a_clock_that_is_set_back_revives_no_spent_token() {
    for span in [MINUTE, Duration::from_hours(1), DAY * 3650] {
        let app = app().await;
        app.register("ada").await;
        let first = app.pair("ada").await;
        app.clock.advance(MINUTE * 10);
        let second = renewed(&app, &first.refresh).await;
        app.clock.advance(SECOND * 30);
        back(&app.clock, span + SECOND * 30);
        is_refused(&app.refresh(&first.refresh).await);
        is_refused(&app.refresh(&second.refresh).await);
    }
    // Two servers' clocks are never quite the same: a little is no theft.
    let app = app().await;
    app.register("ada").await;
    let first = app.pair("ada").await;
    let second = renewed(&app, &first.refresh).await;
    back(&app.clock, SECOND);
    let again = renewed(&app, &first.refresh).await;
    assert_eq!(again.refresh, second.refresh);
}

#[tokio::test]
async fn sec_080_no_flipped_bit_and_no_forged_part_changes_anything() {
    let app = app().await;
    app.register("ada").await;
    let (pair, other) = (app.pair("ada").await, app.pair("ada").await);
    let pair = renewed(&app, &pair.refresh).await;
    let other = renewed(&app, &other.refresh).await;
    app.clock.advance(MINUTE);
    let before = rows(&app).await;
    let bytes = URL_SAFE_NO_PAD.decode(&pair.refresh).unwrap();
    let foreign = URL_SAFE_NO_PAD.decode(&other.refresh).unwrap();
    assert_eq!((bytes.len(), pair.refresh.len()), (54, 72));

    let mut forged: Vec<String> = (0..bytes.len() * 8)
        .map(|bit| {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            URL_SAFE_NO_PAD.encode(flipped)
        })
        .collect();
    let spliced = |parts: [&[u8]; 3]| URL_SAFE_NO_PAD.encode(parts.concat());
    for generation in [0, 2, 3, u64::MAX] {
        let counter = &generation.to_be_bytes()[2..];
        forged.push(spliced([&bytes[..16], counter, &bytes[22..]]));
        forged.push(spliced([&bytes[..16], counter, &foreign[22..]]));
        forged.push(spliced([&bytes[..16], counter, &[0; 32]]));
    }
    forged.push(spliced([&bytes[..16], &bytes[16..22], &foreign[22..]]));
    forged.push(spliced([&foreign[..16], &bytes[16..22], &bytes[22..]]));
    forged.push(format!("{}=", pair.refresh));
    forged.push(format!(" {}", pair.refresh));
    forged.push(format!("{}\n", pair.refresh));
    forged.push(pair.refresh[..71].to_owned());
    forged.push(format!("{}A", pair.refresh));
    forged.push("é".repeat(36));
    forged.push(pair.access.clone());
    let standard = STANDARD.encode(&bytes);
    forged.extend((standard != pair.refresh).then_some(standard));
    for token in forged {
        is_refused(&app.refresh(&token).await);
    }

    assert_eq!(rows(&app).await, before, "and nothing has changed");
    assert!(is_live(&app, &pair.access).await);
    renewed(&app, &pair.refresh).await;
    renewed(&app, &other.refresh).await;
}

#[tokio::test]
async fn a_body_without_a_token_is_told_so() {
    let app = app().await;
    let client = app.client();
    for body in [json!({}), json!({ "token": "x" })] {
        let answer = client.post_json("/refresh", &body).await;
        assert_eq!(answer.status, 401);
        assert_eq!(
            answer.json(),
            json!({ "detail": "Refresh token missing", "code": "refresh_token_missing",
                "error": "invalid_request", "error_description": "Refresh token missing" })
        );
    }
    for body in [json!({ "refresh_token": 7 }), json!([])] {
        let answer = client.post_json("/refresh", &body).await;
        assert_eq!(answer.status, 422, "{}", answer.text);
        assert_eq!(answer.json()["error"], "invalid_request");
    }
    is_refused(&app.refresh("").await);
}
