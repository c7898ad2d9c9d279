//! An application's own pool, as sqlx makes it unless told otherwise: with a patience of 30 s.

use std::time::{Duration, Instant};

use crudauth::testing::TestBuilder;
use serde_json::json;

use crate::support::{self, db::pool_with_patience};
use crate::support::{Auth, Client, PASSWORD, SECRET};

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the rule is about real time")]
async fn sec_147_an_exhausted_pool_with_a_long_patience_of_its_own_is_told_within_two_seconds() {
    let (file, _) = support::database(1).await;
    // What sqlx does unless told otherwise.
    let pool = pool_with_patience(&file.url(), 1, Duration::from_secs(30)).await;
    let auth = Auth::builder(pool.clone())
        .secret(SECRET)
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    let ada = json!({ "email": "ada@example.com", "username": "ada", "password": PASSWORD });
    let mut client = Client::new(support::routes(&auth));
    assert_eq!(client.post_json("/register", &ada).await.status, 200);
    assert_eq!(client.login("ada", PASSWORD).await.status, 200);

    let held = pool.acquire().await;
    let asked = Instant::now();
    let answer = client.get("/dashboard").await;
    let waited = asked.elapsed();
    drop(held);

    assert_eq!(answer.status, 503);
    assert!(answer.header("retry-after").is_some());
    assert!(waited < Duration::from_millis(2500), "{waited:?}");
    assert_eq!(client.get("/dashboard").await.status, 200);
}

#[tokio::test]
async fn a_wrong_password_that_cannot_be_written_down_at_once_is_counted_all_the_same() {
    let (file, _) = support::database(1).await;
    let pool = pool_with_patience(&file.url(), 1, Duration::from_secs(30)).await;
    let auth = Auth::builder(pool.clone())
        .secret(SECRET)
        .manual_workers()
        .await
        .unwrap();
    let client = Client::new(support::routes(&auth));

    // The only connection is taken while the password is being looked at, and given back before it can lapse.
    let mut stranger = client.clone();
    let hashes = crudauth::testing::hashes_done(&auth);
    let guess = tokio::spawn(async move { stranger.login("nobody", "a wrong one").await });
    while crudauth::testing::hashes_done(&auth) == hashes {
        tokio::task::yield_now().await;
    }
    let held = pool.acquire().await;
    let answer = guess.await.unwrap();
    drop(held);

    assert!([401, 503].contains(&answer.status.as_u16()), "{answer:?}");
    let look = support::pool(&file.url(), 1).await;
    let settled = "SELECT count(*) FROM auth_attempts WHERE pending = 0 AND failures = 1";
    let rows = async {
        while look.count(settled).await < 3 {
            tokio::task::yield_now().await; // address, account and pair
        }
    };
    let settled = tokio::time::timeout(Duration::from_secs(20), rows).await;
    assert!(settled.is_ok(), "the guess was never counted");
}
