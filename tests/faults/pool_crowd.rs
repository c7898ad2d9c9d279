//! Two hundred sign-ins at once over a pool of one and of two (SEC-151; design, "two rules for the pool").

use std::time::Duration;

use crudauth::public;
use crudauth::routing::{Router, get};
use crudauth::testing::{TestBuilder, hashing};
use tokio::time::{Instant, timeout};

use crate::support::{self, Auth, Client, Db, PASSWORD, SECRET, TempDb, fresh_address, with_users};

const CROWD: usize = 200;

#[public]
async fn ping() -> &'static str {
    "pong"
}

/// An authority with real hashing over a pool of `connections`, and accounts for the whole crowd.
async fn crowded(connections: u32) -> (TempDb, Db, Auth, Client) {
    let file = TempDb::new();
    let pool = with_users(&file, connections).await;
    let cheap = Auth::builder(pool.clone()).secret(SECRET).cheap_hashing();
    let cheap = cheap.manual_workers().await.unwrap();
    let ada =
        serde_json::json!({ "email": "ada@example.com", "username": "ada", "password": PASSWORD });
    let registered = Client::new(support::routes(&cheap))
        .post_json("/register", &ada)
        .await;
    assert_eq!(registered.status, 200);
    pool.run(format!(
        "WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < {CROWD})
         INSERT INTO users (email, username, password_hash, email_verified, is_active, is_superuser, token_version,
                            plan)
         SELECT 'u' || n || '@example.com', 'u' || n, password_hash, email_verified, is_active, is_superuser,
                token_version, plan
         FROM n, users WHERE username = 'ada'"
    ))
    .await;
    let auth = Auth::builder(pool.clone())
        .secret(SECRET)
        .manual_workers()
        .await
        .unwrap();
    let router = Router::new()
        .route("/ping", get(ping))
        .mount(&auth)
        .with_state(auth.clone())
        .into_axum();
    (file, pool, auth, Client::new(router))
}

async fn crowd_at(connections: u32) {
    let (_file, pool, auth, client) = crowded(connections).await;
    let logins: Vec<_> = (0..CROWD)
        .map(|n| {
            let mut client = client.clone().from(&fresh_address());
            tokio::spawn(async move { client.login(&format!("u{n}"), PASSWORD).await })
        })
        .collect();
    let mut free = 0;
    let mut slowest = Duration::ZERO;
    while !logins.iter().all(tokio::task::JoinHandle::is_finished) {
        let asked = Instant::now();
        assert_eq!(client.get("/ping").await.text, "pong");
        slowest = slowest.max(asked.elapsed());
        free += usize::from(hashing(&auth).0 > 0 && pool.is_idle());
        tokio::task::yield_now().await;
    }
    let mut served = 0;
    for login in logins {
        let answer = login.await.unwrap();
        if answer.status == 200 {
            served += 1;
        } else {
            assert_eq!(answer.status, 503, "{}", answer.text);
            assert!(answer.header("retry-after").is_some(), "{}", answer.text);
        }
    }

    assert!(served > 20, "{served} of {CROWD} were served");
    assert!(free > 0, "connections are held while hashing");
    assert!(slowest < Duration::from_secs(1), "a ping took {slowest:?}");
    let mut late = client.from(&fresh_address());
    assert_eq!(late.login("u0", PASSWORD).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_151_two_hundred_sign_ins_over_a_pool_of_one() {
    timeout(Duration::from_mins(1), crowd_at(1))
        .await
        .expect("a deadlock");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_151_two_hundred_sign_ins_over_a_pool_of_two() {
    timeout(Duration::from_mins(1), crowd_at(2))
        .await
        .expect("a deadlock");
}

/// While the only sign-in there is hashes, nobody uses the pool.
#[tokio::test]
async fn sec_151_no_connection_is_held_while_hashing() {
    let (_file, pool, auth, client) = crowded(1).await;
    let mut user = client.clone();
    let login = tokio::spawn(async move { user.login("u1", PASSWORD).await });
    let mut hashed = 0;
    while !login.is_finished() {
        if hashing(&auth).0 > 0 {
            // The connection is on its way back for as long as the database takes to answer once.
            let back = timeout(Duration::from_millis(500), async {
                while !pool.is_idle() && hashing(&auth).0 > 0 {
                    tokio::task::yield_now().await;
                }
            });
            back.await.expect("a connection is held while hashing");
            hashed += usize::from(pool.is_idle() && hashing(&auth).0 > 0);
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(login.await.unwrap().status, 200);
    assert!(hashed > 0, "the pool was never free while hashing");
}
