//! Load that goes on: memory and files stay where they are.
//!
//! The rule asks for an hour at 70 % load. That is no test to run at every change; this is its shape in some seconds:
//! the same mixture of requests for several rounds, of which the later ones must need no more than the first.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod support;

use std::fs;

use futures_util::future::join_all;
use serde_json::json;
use support::{PASSWORD, TestApp};

fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

async fn round(app: &TestApp) {
    for n in 0..12 {
        let mut client = app.client();
        assert_eq!(client.login("ada", PASSWORD).await.status, 200);
        for _ in 0..60 {
            assert_eq!(client.get("/dashboard").await.status, 200);
            assert_eq!(app.client().get("/dashboard").await.status, 401);
        }
        let taken = json!({ "email": "ada@example.com", "username": "ada", "password": PASSWORD });
        let stranger = app.client().from(&format!("10.9.{n}.1"));
        assert!(
            [422, 429].contains(
                &stranger
                    .post_json("/register", &taken)
                    .await
                    .status
                    .as_u16()
            )
        );
        assert_eq!(
            client.post_body("/login", support::JSON, "{}").await.status,
            422
        );
        assert_eq!(client.post("/logout").await.status, 200);
    }
    app.auth.sessions().sweep().await.unwrap();
}

#[tokio::test]
async fn sec_158_memory_and_files_stay_flat_under_load_that_goes_on() {
    let app = TestApp::start().await;
    app.register("ada").await;
    for _ in 0..4 {
        round(&app).await; // caches fill
        // And the pool, which opens as many connections as are asked for at once.
        let client = app.signed_in("ada").await;
        join_all((0..20).map(|_| client.get("/dashboard"))).await;
        assert_eq!(client.post("/logout").await.status, 200);
    }
    let (memory, files) = (resident_kib(), open_files());

    for _ in 0..12 {
        round(&app).await;
    }

    let grown = resident_kib().saturating_sub(memory);
    assert!(grown * 100 < memory * 5, "{grown} KiB on {memory} KiB");
    assert!(
        open_files() <= files + 1,
        "{} files, {files} before",
        open_files()
    );
    assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 0);
}
