//! Budgets for failed sign-ins: what an attacker gets, and how locks grow and end (contract §3.5).

use std::time::Duration;

use crudauth::auth;
use crudauth::testing::hashes_done;
use futures_util::future::join_all;

use crate::custom;
use crate::support::{Answer, Client, PASSWORD, TestApp, User, fresh_address};

auth! {
    #[database(sqlite, postgres)]
    #[lockout(base = "1s", max = "8s")]
    pub struct Quick<User>;
}

auth! {
    #[database(sqlite, postgres)]
    #[lockout(on_success = "clear_user_only")]
    pub struct UserOnly<User>;
}

async fn guess(router: &axum::Router, ip: &str, name: &str) -> Answer {
    Client::new(router.clone())
        .from(ip)
        .login(name, "wrong password")
        .await
}

async fn statuses(router: &axum::Router, ip: &str, names: &[String]) -> Vec<u16> {
    let mut seen = Vec::new();
    for name in names {
        seen.push(guess(router, ip, name).await.status.as_u16());
    }
    seen
}

fn retry_after(answer: &Answer) -> u64 {
    assert_eq!(answer.status, 429, "{}", answer.text);
    answer.header("retry-after").unwrap().parse().unwrap()
}

#[tokio::test]
async fn sec_034_200_parallel_guesses_cost_at_most_five_hashes() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let before = hashes_done(&app.auth);

    let answers = join_all((0..200).map(|_| guess(&app.router, "192.0.2.7", "ada"))).await;

    let refused = answers.iter().filter(|answer| answer.status == 429).count();
    let judged = answers.iter().filter(|answer| answer.status == 401).count();
    assert_eq!((judged, refused), (5, 195));
    assert_eq!(hashes_done(&app.auth) - before, 5);
}

#[tokio::test]
async fn sec_034_200_guesses_from_50_addresses_share_the_accounts_budget() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let before = hashes_done(&app.auth);
    let addresses: Vec<String> = (0..50).map(|host| format!("198.51.100.{host}")).collect();

    let answers =
        join_all((0..200).map(|turn| guess(&app.router, &addresses[turn % 50], "ada@example.com")))
            .await;

    assert_eq!(
        answers.iter().filter(|answer| answer.status == 401).count(),
        5
    );
    assert!(
        answers
            .iter()
            .all(|answer| answer.status == 401 || answer.status == 429)
    );
    assert_eq!(hashes_done(&app.auth) - before, 5);
}

#[tokio::test]
async fn sec_034_a_locked_account_refuses_the_right_password_unseen() {
    let app = TestApp::start().await;
    app.register("ada").await;
    for _ in 0..6 {
        guess(&app.router, "192.0.2.7", "ada").await;
    }
    let before = hashes_done(&app.auth);

    let answer = app.client().from("192.0.2.8").login("ada", PASSWORD).await;

    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (429, "locked_out")
    );
    assert_eq!(
        answer.json()["detail"],
        "Too many login attempts. Try again later."
    );
    assert_eq!(hashes_done(&app.auth), before);
}

#[tokio::test]
async fn sec_042_locks_double_up_to_the_longest_and_retry_after_is_exact() {
    let app = custom!(Quick);
    app.register("ada").await;
    for _ in 0..5 {
        assert_eq!(guess(&app.router, "192.0.2.7", "ada").await.status, 401);
    }

    let mut spans = Vec::new();
    for _ in 0..5 {
        let span = retry_after(&guess(&app.router, "192.0.2.7", "ada").await);
        // One microsecond before the end it is still locked, and blocked tries have not moved the end.
        app.clock
            .advance(Duration::from_micros(span * 1_000_000 - 1));
        assert_eq!(
            retry_after(&guess(&app.router, "192.0.2.7", "ada").await),
            1
        );
        app.clock.advance(Duration::from_micros(1));
        spans.push(span);
    }

    assert_eq!(spans, [1, 2, 4, 8, 8]);
}

#[tokio::test]
async fn sec_042_retry_after_counts_down_however_often_it_is_asked() {
    let app = TestApp::start().await;
    for _ in 0..5 {
        guess(&app.router, "192.0.2.7", "nobody").await;
    }
    let mut left = Vec::new();

    for _ in 0..4 {
        for _ in 0..20 {
            left.push(retry_after(
                &guess(&app.router, "192.0.2.7", "nobody").await,
            ));
        }
        app.clock.advance(Duration::from_millis(15_500));
    }

    left.dedup();
    assert_eq!(left, [60, 45, 29, 14]);
}

#[tokio::test]
async fn failures_are_forgotten_when_their_window_has_passed() {
    let app = TestApp::start().await;
    app.register("ada").await;
    for _ in 0..5 {
        assert_eq!(guess(&app.router, "192.0.2.7", "ada").await.status, 401);
    }
    app.clock.advance(Duration::from_mins(1));

    let answer = app.client().from("192.0.2.7").login("ada", PASSWORD).await;

    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_round_is_remembered_for_an_hour_after_the_end_of_its_lock() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let lock = async || {
        let mut last = 0;
        for _ in 0..6 {
            let answer = guess(&app.router, &fresh_address(), "ada").await;
            last = answer
                .header("retry-after")
                .map_or(0, |text| text.parse().unwrap());
        }
        last
    };
    assert_eq!(lock().await, 60);

    app.clock.advance(Duration::from_secs(60 + 3599));
    assert_eq!(lock().await, 120, "the hour is not over");
    app.clock.advance(Duration::from_mins(62));
    assert_eq!(lock().await, 60, "the hour is over");
}

#[tokio::test]
async fn a_right_password_ends_the_accounts_lock_and_rounds() {
    let app = TestApp::start().await;
    app.register("ada").await;
    for _ in 0..6 {
        guess(&app.router, &fresh_address(), "ada").await;
    }
    app.clock.advance(Duration::from_mins(1));
    assert_eq!(
        app.client()
            .from("192.0.2.9")
            .login("ada", PASSWORD)
            .await
            .status,
        200
    );

    let names = vec!["ada".to_owned(); 6];
    let seen = statuses(&app.router, "192.0.2.10", &names).await;

    assert_eq!(seen, [401, 401, 401, 401, 401, 429]);
    assert_eq!(
        retry_after(&guess(&app.router, "192.0.2.10", "ada").await),
        60,
        "the first round again"
    );
}

#[tokio::test]
async fn clear_all_gives_the_address_back_what_this_account_caused() {
    let app = TestApp::start().await;
    app.register("ada").await;
    statuses(&app.router, "192.0.2.7", &vec!["ada".to_owned(); 3]).await;
    assert_eq!(
        app.client()
            .from("192.0.2.7")
            .login("ada", PASSWORD)
            .await
            .status,
        200
    );

    let others: Vec<String> = (0..6).map(|n| format!("other{n}")).collect();
    let seen = statuses(&app.router, "192.0.2.7", &others).await;

    assert_eq!(seen, [401, 401, 401, 401, 401, 429]);
}

#[tokio::test]
async fn clear_user_only_leaves_the_address_what_it_has() {
    let app = custom!(UserOnly);
    app.register("ada").await;
    statuses(&app.router, "192.0.2.7", &vec!["ada".to_owned(); 3]).await;
    assert_eq!(
        app.client()
            .from("192.0.2.7")
            .login("ada", PASSWORD)
            .await
            .status,
        200
    );

    let others: Vec<String> = (0..3).map(|n| format!("other{n}")).collect();
    let seen = statuses(&app.router, "192.0.2.7", &others).await;

    assert_eq!(seen, [401, 401, 429]);
    assert_eq!(
        statuses(&app.router, "192.0.2.8", &vec!["ada".to_owned(); 6]).await[4..],
        [401, 429]
    );
}

#[tokio::test]
async fn sec_039_a_success_does_not_wash_an_address_that_sprays() {
    let app = TestApp::start().await;
    app.register("mallory").await;
    let victims: Vec<String> = (0..4).map(|n| format!("victim{n}")).collect();
    assert_eq!(statuses(&app.router, "192.0.2.7", &victims).await, [401; 4]);

    assert_eq!(
        app.client()
            .from("192.0.2.7")
            .login("mallory", PASSWORD)
            .await
            .status,
        200
    );

    let more: Vec<String> = (4..7).map(|n| format!("victim{n}")).collect();
    assert_eq!(
        statuses(&app.router, "192.0.2.7", &more).await,
        [401, 429, 429]
    );
}

#[tokio::test]
async fn sec_038_known_and_unknown_identifiers_lock_alike() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let sequence = async |name: &'static str, net: &'static str| {
        let mut seen = Vec::new();
        for turn in 0..12 {
            let answer = guess(&app.router, &format!("{net}.{turn}"), name).await;
            seen.push((
                answer.status,
                answer.header("retry-after").map(str::to_owned),
                answer.text,
            ));
        }
        seen
    };

    let known = sequence("ada", "198.51.100").await;
    let unknown = sequence("nobody", "203.0.113").await;
    let unknown_address = sequence("nobody@example.net", "192.0.2").await;

    assert_eq!(known, unknown);
    assert_eq!(known, unknown_address);
    assert_eq!(
        known.iter().filter(|(status, ..)| *status == 401).count(),
        5
    );
}

#[tokio::test]
async fn sec_038_made_up_names_share_a_bounded_number_of_rows() {
    // 2^16 counters for all unknown names: of 3000 names about 68 must meet another. One row per name would be 3000.
    let app = TestApp::start().await;
    for name in 0..3000 {
        guess(&app.router, "192.0.2.7", &format!("made-up-{name}")).await;
    }

    let rows = app.count("SELECT count(*) FROM auth_attempts").await;

    let slots = (rows - 1) / 2; // one row of the address; for each slot its own and the pair's
    assert!(
        (2800..2990).contains(&slots),
        "{slots} slots for 3000 names"
    );
    app.clock.advance(Duration::from_hours(3));
    app.auth.sessions().sweep().await.unwrap();
    assert!(
        app.count("SELECT count(*) FROM auth_attempts").await <= 5,
        "only runs outlive their window"
    );
}

#[tokio::test]
async fn two_spellings_of_an_unknown_name_share_a_budget() {
    let app = TestApp::start().await;
    for name in ["Nobody", "nobody", " NOBODY ", "ｎobody", "nobody"] {
        assert_eq!(guess(&app.router, &fresh_address(), name).await.status, 401);
    }
    assert_eq!(
        guess(&app.router, &fresh_address(), "NoBody").await.status,
        429
    );
}
