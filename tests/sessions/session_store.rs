//! What the database holds of a session, and how it is found and swept.

use std::time::Duration;

use base64::Engine as _;

use crate::support::{self, Client, Db, PASSWORD, SECRET, TestApp};

/// Every value of every table, as bytes, and its place.
async fn dump(db: &Db) -> Vec<(String, Vec<u8>)> {
    let mut values = Vec::new();
    for table in db.tables().await {
        let found = db.bytes(&table).await.into_iter();
        values.extend(found.map(|(column, bytes)| (format!("{table}.{column}"), bytes)));
    }
    values
}

/// The forms in which a secret could lie about.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let mut raws = vec![secret.as_bytes().to_vec()];
    raws.extend(URL_SAFE_NO_PAD.decode(secret).ok());
    let from_hex: Option<Vec<u8>> = (0..secret.len() / 2)
        .map(|at| u8::from_str_radix(secret.get(at * 2..at * 2 + 2)?, 16).ok())
        .collect();
    raws.extend(from_hex.filter(|bytes| bytes.len() >= 16));
    raws.iter()
        .flat_map(|raw| {
            let texts = [
                hex(raw),
                hex(raw).to_uppercase(),
                STANDARD.encode(raw),
                STANDARD_NO_PAD.encode(raw),
                URL_SAFE_NO_PAD.encode(raw),
            ];
            std::iter::once(raw.clone()).chain(texts.map(String::into_bytes))
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

#[tokio::test]
async fn sec_044_no_issued_secret_is_in_the_database() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let mut secrets = vec![
        PASSWORD.to_owned(),
        "another long password".to_owned(),
        SECRET.to_owned(),
    ];
    let mut take = |client: &Client| {
        secrets.extend(
            client
                .cookies
                .values()
                .flat_map(|value| value.split('.').map(str::to_owned)),
        );
        secrets.extend(client.csrf.clone());
    };
    let (mut first, second) = (app.signed_in("ada").await, app.signed_in("ada").await);
    take(&first);
    take(&second);
    app.client().login("ada", "a wrong password").await;
    first.cookies.remove("csrf_token");
    let refreshed = first.post("/csrf/refresh").await;
    first.keep(&refreshed);
    take(&first);
    let mut remembered = app.client();
    remembered
        .login_with("ada", PASSWORD, "&remember_me=1")
        .await;
    take(&remembered);
    let body =
        serde_json::json!({"current_password": PASSWORD, "new_password": "another long password"});
    assert_eq!(first.post_json("/change-password", &body).await.status, 200);
    second.post("/logout").await;
    assert_eq!(
        app.client()
            .login("ada", "another long password")
            .await
            .status,
        200
    );

    let values = dump(&app.db).await;

    assert!(
        values
            .iter()
            .any(|(place, _)| place.starts_with("auth_sessions."))
    );
    assert!(secrets.len() > 12 && secrets.iter().all(|secret| secret.len() >= 16));
    let files = app.db.files().await;
    assert!(!files.is_empty());
    for secret in &secrets {
        for form in forms(secret) {
            let shown = String::from_utf8_lossy(&form).into_owned();
            for (place, value) in &values {
                assert!(!contains(value, &form), "{place} holds {shown}");
            }
            // Deleted rows and free pages too.
            assert!(
                !files.iter().any(|file| contains(file, &form)),
                "the file holds {shown}"
            );
        }
    }
}

/// Rows that have expired, made by the database itself.
async fn expired(app: &TestApp, rows: u32) {
    let id = support::sql("randomblob(32)", "sha256(CAST(CAST(i AS TEXT) AS BYTEA))");
    let sql = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO auth_sessions (id, user_id, token_version, created_at, last_activity, expires_at, absolute_at, idle, remember)
         SELECT {id}, 999, 0, i, i, i, i, 1, 0 FROM n"
    );
    app.db.run(sql).await;
}

#[tokio::test]
async fn sec_056_a_hundred_thousand_rows_do_not_slow_a_look_up() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let client = app.signed_in("ada").await;
    let fastest = async || {
        let mut fastest = Duration::MAX;
        for _ in 0..200 {
            let start = tokio::time::Instant::now();
            assert_eq!(client.get("/me").await.status, 200);
            fastest = fastest.min(start.elapsed());
        }
        fastest
    };
    let few = fastest().await;
    expired(&app, 100_000).await;
    // What else runs on the machine only ever adds to it; a look-up that reads the rows is never fast.
    let mut many = fastest().await;
    for _ in 0..10 {
        if many < few * 2 {
            break;
        }
        many = many.min(fastest().await);
    }
    assert!(
        many < few * 2,
        "{few:?} with one row, {many:?} with a hundred thousand"
    );
}

#[tokio::test]
async fn sec_057_expired_rows_are_swept_in_batches_and_live_ones_stay() {
    // The sweep and the test share one connection, for which they queue: between two batches lies a look at least.
    let (file, db) = support::database(1).await;
    let app = TestApp::on(db.clone(), db, file).await;
    app.register("ada").await;
    let client = app.signed_in("ada").await;
    expired(&app, 2500).await;
    let sweep = tokio::spawn({
        let auth = app.auth.clone();
        async move { auth.sessions().sweep().await.unwrap() }
    });
    // Between batches others get their turn: what they see never falls by more than a batch.
    let mut seen = vec![2501];
    while !sweep.is_finished() {
        let left = app.count("SELECT count(*) FROM auth_sessions").await;
        if seen.last() != Some(&left) {
            seen.push(left);
        }
    }
    assert_eq!(sweep.await.unwrap(), 2500);
    assert_eq!(seen, [2501, 1501, 501, 1]);
    assert_eq!(client.get("/me").await.status, 200);
    app.clock.advance(Duration::from_hours(13));
    app.auth.sessions().sweep().await.unwrap();
    assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 0);
}
