//! What refreshing asks of the database, and what a copy of the database is good for.

use std::time::Duration;

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::statements::Log;
use crate::support::{Answer, PASSWORD};
use crate::tokens::{App, Pair, app, app_with, send};

/// What the database was asked, by the first word of each statement.
async fn asked(log: &Log, app: &App, work: impl Future<Output = Answer>) -> (u16, Vec<String>) {
    let mark = || async {
        app.auth.users().find(&-1).await.unwrap();
    };
    let (answer, statements) = log.during(mark, work).await;
    let words = statements
        .iter()
        .map(|text| text.split(' ').next().unwrap_or_default().to_owned());
    (answer.status.as_u16(), words.collect())
}

#[tokio::test]
async fn a_refresh_reads_once_and_writes_once() {
    let log = Log::open().await;
    let app = app_with(1).await;
    app.register("ada").await;
    let first = app.pair("ada").await;
    let gone = app.pair("ada").await;
    app.auth.tokens().revoke(&gone.refresh).await.unwrap();
    let told = async |token: &str| asked(&log, &app, app.refresh(token)).await;
    let is = |(status, words): (u16, Vec<String>), expected: (u16, &[&str])| {
        assert_eq!(
            (status, words.iter().map(String::as_str).collect()),
            (expected.0, expected.1.to_vec())
        );
    };
    is(told(&first.refresh).await, (200, &["SELECT", "UPDATE"]));
    is(told(&first.refresh).await, (200, &["SELECT"]));
    let second = Pair::of(&app.refresh(&first.refresh).await);
    // Of what no key of ours has made, nothing is asked.
    for forged in ["", "garbage", &"A".repeat(72), &first.access] {
        is(told(forged).await, (401, &[]));
    }
    is(told(&gone.refresh).await, (401, &["SELECT"]));
    let guard = |access: &str| {
        let (client, access) = (app.client(), access.to_owned());
        async move { send(&client, Method::GET, "/me", &access, None).await }
    };
    is(
        asked(&log, &app, guard(&second.access)).await,
        (200, &["SELECT"]),
    );
    is(
        asked(&log, &app, guard(&gone.access)).await,
        (401, &["SELECT"]),
    );
    is(asked(&log, &app, guard("a.b.c")).await, (401, &[]));
    app.clock.advance(Duration::from_mins(1));
    is(told(&first.refresh).await, (401, &["SELECT", "DELETE"]));
    is(told(&first.refresh).await, (401, &["SELECT"]));
    is(told(&second.refresh).await, (401, &["SELECT"]));
    let expired = app.pair("ada").await;
    app.clock.advance(Duration::from_hours(24 * 30));
    is(told(&expired.refresh).await, (401, &["SELECT", "DELETE"]));
}

/// Each value of the tables, under its place, and the files of the database.
async fn dump(app: &App) -> Vec<(String, Vec<u8>)> {
    let mut values = Vec::new();
    for table in app.db.tables().await {
        let bytes = app.db.bytes(&table).await;
        values.extend(
            bytes
                .into_iter()
                .map(|(column, value)| (format!("{table}.{column}"), value)),
        );
    }
    values.extend(
        app.db
            .files()
            .await
            .into_iter()
            .map(|file| ("a file".to_owned(), file)),
    );
    values
}

fn holds(value: &[u8], part: &[u8]) -> bool {
    value.windows(part.len()).any(|window| window == part)
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .flat_map(|byte| format!("{byte:02x}").into_bytes())
        .collect()
}

#[tokio::test]
async fn sec_080_a_copy_of_the_database_renews_nothing() {
    let _log = Log::open().await; // what is asked here is not to be counted there
    let app = app().await;
    app.register("ada").await;
    let first = app.pair("ada").await;
    let second = Pair::of(&app.refresh(&first.refresh).await);
    let third = app.token("ada", PASSWORD, "").await;
    let dump = dump(&app).await;

    for token in [&first.refresh, &second.refresh, &Pair::of(&third).refresh] {
        let bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
        let mac = &bytes[22..];
        for form in [mac.to_vec(), token.as_bytes()[30..].to_vec(), hex(mac)] {
            for (place, value) in &dump {
                assert!(!holds(value, &form), "{place}");
            }
        }
        // It is looked for where something of it is.
        let family = &bytes[..16];
        let named = |value: &[u8]| {
            holds(value, &hex(family)) || holds(value, URL_SAFE_NO_PAD.encode(family).as_bytes())
        };
        assert!(
            dump.iter()
                .any(|(place, value)| place == "auth_refresh_tokens.id" && named(value))
        );
    }
    for access in [&first.access, &second.access] {
        let signature = access.rsplit('.').next().unwrap();
        assert!(
            dump.iter()
                .all(|(_, value)| !holds(value, signature.as_bytes()))
        );
    }

    // Whatever is there, as a token and as the secret half of one.
    let family = URL_SAFE_NO_PAD.decode(&second.refresh).unwrap()[..16].to_vec();
    let mut tries = 0;
    for (place, value) in dump.iter().filter(|(place, _)| place != "a file") {
        let mut forged = vec![
            String::from_utf8_lossy(value).into_owned(),
            URL_SAFE_NO_PAD.encode(value),
        ];
        for generation in 0..3_u64 {
            let counter = &generation.to_be_bytes()[2..];
            forged.push(URL_SAFE_NO_PAD.encode([&family, counter, value].concat()));
        }
        for token in forged {
            assert_eq!(app.refresh(&token).await.status, 401, "{place}");
            tries += 1;
        }
    }
    assert!(tries > 50, "{tries}");
    assert_eq!(app.get("/me", &second.access).await.status, 200);
    assert_eq!(app.refresh(&second.refresh).await.status, 200);
}
