//! What asking by address tells: nothing, to nobody, however often.

use std::time::Duration;

use crudauth::auth;
use crudauth::mail::MessageKind;
use serde_json::{Value, json};

use crate::mailed;
use crate::mailed::{MailApp, MailAuth, mail_app};
use crate::support::{Answer, Client, PASSWORD, User, fresh_address};

const ROUTES: [&str; 2] = ["/email/verify-request", "/password/reset-request"];

auth! {
    #[database(sqlite, postgres)]
    #[rate_limit(
        email_verify_request = "off",
        password_reset_request = "off",
        email_change_request = "off"
    )]
    #[email(frontend_url = "https://app.example.com")]
    #[allow(unlimited_messages, reason = "what that means is under test")]
    pub struct Unlimited<User>;
}

fn email(name: &str) -> Value {
    json!({ "email": format!("{name}@example.com") })
}

/// Everything about an answer but its request id.
fn bytes(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| *name != "x-request-id" && *name != "date")
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    (answer.status.as_u16(), headers, answer.text.clone())
}

/// ada (not proven), bob (proven), carl (disabled); nobody else.
async fn population() -> MailApp<MailAuth> {
    let app = mail_app().await;
    app.sign_up("ada").await;
    app.verified("bob").await;
    app.sign_up("carl").await;
    let carl = app.auth.users().find_by_username("carl").await.unwrap();
    app.auth.users().disable(&carl.unwrap().id).await.unwrap();
    drop(app.mail.take());
    app
}

#[tokio::test]
async fn sec_029_every_target_is_answered_the_same() {
    let app = population().await;
    for (path, to_whom) in [(ROUTES[0], &["ada"][..]), (ROUTES[1], &["ada", "bob"])] {
        let mut answers = Vec::new();
        for name in ["ada", "bob", "carl", "nobody"] {
            let client = app.client().from(&fresh_address());
            answers.push(client.post_json(path, &email(name)).await);
            // Whatever the address is, one row: nothing is looked up before the answer.
            let rows = app.count("SELECT count(*) FROM auth_outbox").await;
            assert_eq!(rows, 1, "{path} {name}");
            assert_eq!(
                app.count("SELECT count(*) FROM auth_outbox WHERE user_id IS NOT NULL")
                    .await,
                0
            );
            app.deliver().await;
            assert_eq!(app.count("SELECT count(*) FROM auth_outbox").await, 0);
        }
        for answer in &answers {
            assert_eq!(answer.status, 200);
            assert_eq!(bytes(answer), bytes(&answers[0]), "{path}");
        }
        let to: Vec<_> = app.mail.take().into_iter().map(|m| m.to).collect();
        let wanted: Vec<_> = to_whom
            .iter()
            .map(|name| format!("{name}@example.com"))
            .collect();
        assert_eq!(to, wanted, "{path}");
    }
}

#[tokio::test]
async fn sec_029_a_mailer_that_fails_or_hangs_is_seen_by_nobody() {
    let app = population().await;
    for path in ROUTES {
        let mut answers = Vec::new();
        for break_it in [
            crudauth::testing::CaptureMailer::fail_temporarily,
            crudauth::testing::CaptureMailer::fail_permanently,
        ] {
            for name in ["ada", "bob", "nobody"] {
                break_it(&app.mail);
                let client = app.client().from(&fresh_address());
                answers.push(client.post_json(path, &email(name)).await);
                app.deliver().await;
            }
        }
        app.mail.hang(); // nothing that a request waits for
        let client = app.client().from(&fresh_address());
        answers.push(client.post_json(path, &email("ada")).await);
        app.mail.deliver();
        for answer in &answers {
            assert_eq!(bytes(answer), bytes(&answers[0]), "{path}");
        }
    }
}

#[tokio::test]
async fn sec_030_ten_requests_go_alike_for_known_and_unknown_targets() {
    let app = population().await;
    for path in ROUTES {
        // From one address, which the limit of the route counts, and from ten, which it does not.
        for one in [true, false] {
            app.clock.advance(Duration::from_hours(1));
            let mut sequences = Vec::new();
            for name in ["ada", "bob", "carl", "nobody"] {
                let address = fresh_address();
                let mut sequence = Vec::new();
                for _ in 0..10 {
                    let address = if one {
                        address.clone()
                    } else {
                        fresh_address()
                    };
                    let client = app.client().from(&address);
                    sequence.push(bytes(&client.post_json(path, &email(name)).await));
                    app.deliver().await;
                }
                sequences.push(sequence);
            }
            for sequence in &sequences {
                assert_eq!(sequence, &sequences[0], "{path}");
                let refused = sequence
                    .iter()
                    .filter(|(status, ..)| *status == 429)
                    .count();
                assert_eq!(refused, if one { 5 } else { 0 }, "{path}");
            }
        }
    }
}

#[tokio::test]
async fn sec_030_eight_addresses_are_answered_and_five_messages_sent() {
    let app = population().await;
    for path in ROUTES {
        for _ in 0..8 {
            assert_eq!(app.ask(path, "ada").await.status, 200);
        }
        assert_eq!(app.mail.take().len(), 5, "{path}");
        // Another spelling is the same mailbox.
        let client = app.client().from(&fresh_address());
        let body = json!({ "email": " ADA@Example.com" });
        assert_eq!(client.post_json(path, &body).await.status, 200);
        app.deliver().await;
        assert!(app.mail.take().is_empty(), "{path}");
        // Neither is anybody else's share spent, nor the next hour's.
        if path == ROUTES[1] {
            app.ask(path, "bob").await;
            assert_eq!(app.mail.take().len(), 1);
        }
        app.clock.advance(Duration::from_hours(1));
        app.ask(path, "ada").await;
        assert_eq!(app.mail.take().len(), 1, "{path}");
    }
}

fn rate(answer: &Answer) -> (u16, Option<&str>, Option<&str>, bool) {
    (
        answer.status.as_u16(),
        answer.header("x-ratelimit-limit"),
        answer.header("x-ratelimit-remaining"),
        answer.header("retry-after").is_some(),
    )
}

#[tokio::test]
async fn five_an_hour_and_address_may_be_asked_for() {
    let app = population().await;
    for path in ROUTES {
        let client = app.client().from(&fresh_address());
        for left in ["4", "3", "2", "1", "0"] {
            let answer = client.post_json(path, &email("nobody")).await;
            assert_eq!(rate(&answer), (200, Some("5"), Some(left), false), "{path}");
        }
        let answer = client.post_json(path, &email("ada")).await;
        assert_eq!(rate(&answer), (429, Some("5"), Some("0"), true), "{path}");
        assert_eq!(
            answer.text,
            r#"{"detail":"Too many requests. Try again later.","code":"rate_limited"}"#
        );
        app.deliver().await;
        assert!(
            app.mail.take().is_empty(),
            "{path}: a refused request leaves no row"
        );
        // The routes have a count each, and so has everybody's address; the next hour begins anew.
        let other = app.client().from(&fresh_address());
        assert_eq!(other.post_json(path, &email("nobody")).await.status, 200);
        app.clock.advance(Duration::from_hours(1));
        assert_eq!(client.post_json(path, &email("nobody")).await.status, 200);
    }
}

#[tokio::test]
async fn three_an_hour_and_user_may_be_asked_for_a_change() {
    let app = mail_app().await;
    app.verified("ada").await;
    app.verified("bob").await;
    let (ada, bob) = (app.signed_in("ada").await, app.signed_in("bob").await);
    let elsewhere = ada.clone().from(&fresh_address());
    let ask = async |client: &Client, to: &str, password: &str| {
        let body = json!({ "new_email": format!("{to}@example.com"), "password": password });
        client.post_json("/email/change-request", &body).await
    };
    // Both sit behind one address. A wrong password and a bad body count, too.
    assert_eq!(
        rate(&ask(&ada, "new", PASSWORD).await),
        (200, Some("3"), Some("2"), false)
    );
    assert_eq!(
        rate(&ask(&bob, "other", "wrong").await),
        (400, Some("3"), Some("2"), false)
    );
    assert_eq!(
        rate(&ask(&elsewhere, "no", "wrong").await),
        (400, Some("3"), Some("1"), false)
    );
    let bad = ada.post("/email/change-request").await;
    assert_eq!(rate(&bad), (422, Some("3"), Some("0"), false));
    for client in [&ada, &elsewhere] {
        let answer = ask(client, "new", PASSWORD).await;
        assert_eq!(rate(&answer), (429, Some("3"), Some("0"), true));
    }
    assert_eq!(
        rate(&ask(&bob, "other", PASSWORD).await),
        (200, Some("3"), Some("1"), false)
    );
    app.clock.advance(Duration::from_hours(1));
    let ada = app.signed_in("ada").await;
    assert_eq!(ask(&ada, "new", PASSWORD).await.status, 200);
}

/// Whoever is asked to confirm an address that is not theirs gets three messages an hour, from however many accounts.
#[tokio::test]
async fn a_stranger_is_written_to_three_times_an_hour() {
    let app = mail_app().await;
    for n in 0..5 {
        let name = format!("user{n}");
        app.verified(&name).await;
        let client = app.signed_in(&name).await;
        assert_eq!(app.move_to(&client, "victim").await.status, 200);
    }
    let messages = app.mail.messages();
    let sent = messages
        .iter()
        .filter(|m| m.kind() == MessageKind::ChangeEmail);
    assert_eq!(sent.count(), 3);
}

#[tokio::test]
async fn limits_that_are_off_count_nothing() {
    let app = mailed!(Unlimited);
    let body = json!({ "email": "ada@example.com", "username": "ada", "password": PASSWORD });
    assert_eq!(app.client().post_json("/register", &body).await.status, 202);
    app.auth.run_due().await.unwrap();
    drop(app.mail.take());
    let ada = app.signed_in("ada").await;
    for _ in 0..12 {
        for path in ROUTES {
            let answer = app.client().post_json(path, &email("ada")).await;
            assert_eq!(rate(&answer), (200, None, None, false));
        }
        let body = json!({ "new_email": "eve@example.com", "password": PASSWORD });
        let answer = ada.post_json("/email/change-request", &body).await;
        assert_eq!(rate(&answer), (200, None, None, false));
        app.auth.run_due().await.unwrap();
    }
    assert_eq!(app.mail.take().len(), 36);
}

/// Rows that are due at once are delivered side by side, and none waits for a connection that another has.
#[tokio::test]
async fn a_burst_of_messages_goes_out_over_one_connection() {
    let app = mailed::with_pool(1).await;
    app.sign_up("ada").await;
    drop(app.mail.take());
    for name in ["bob", "carl", "dora", "emil"] {
        let client = app.client().from(&fresh_address());
        let body = json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD });
        assert_eq!(client.post_json("/register", &body).await.status, 202);
        for path in ROUTES {
            assert_eq!(client.post_json(path, &email("ada")).await.status, 200);
        }
    }
    assert_eq!(app.auth.run_due().await.unwrap(), 12);
    let sent = app.mail.take();
    let to_others = sent.iter().filter(|m| m.to != "ada@example.com");
    assert_eq!(to_others.count(), 4);
    assert_eq!(app.count("SELECT count(*) FROM auth_outbox").await, 0);
}
