//! Refresh families that are opened, rotated and ended at once.

use std::sync::Arc;
use std::time::Duration;

use crudauth_runtime::store::AccountChange;
use futures_util::future::join_all;
use tokio::task::JoinSet;

use crate::families::{MONTH, SECOND, count, epoch, family, open, set_password, store};
use crate::support::{self, Auth, TestApp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_rotations_at_once_one_happens() {
    let app = TestApp::start().await;
    let (store, mut now) = (store::<Auth>(&app.db), app.clock.now());
    let ada = app.register("ada").await;
    open(&*store, "one", ada, now).await;

    for generation in 0..5 {
        now = now.plus(SECOND);
        let callers = (0..50).map(|caller| {
            let store = Arc::clone(&store);
            let rotated = async move { store.rotate("one", generation, &[caller; 32], now).await };
            tokio::spawn(rotated)
        });
        let rotated = join_all(callers).await;
        let winners: Vec<u8> = (0..50)
            .zip(rotated)
            .filter_map(|(caller, rotated)| rotated.unwrap().unwrap().then_some(caller))
            .collect();
        assert_eq!(winners.len(), 1, "{winners:?}");
        let (row, _) = store.family("one").await.unwrap().unwrap();
        assert_eq!(row.generation, generation + 1);
        assert_eq!(row.secret, [winners[0]; 32]);
        assert_eq!(
            (row.rotated_at, row.expires_at),
            (now, app.clock.now().plus(MONTH))
        );
    }
    assert_eq!(count(&app.db, ada).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_050_a_family_that_opens_around_an_end_does_not_outlive_it() {
    let app = TestApp::start().await;
    let (store, now) = (store::<Auth>(&app.db), app.clock.now());
    for round in 0..40 {
        let user = app.register(&format!("user{round}")).await;
        let version = epoch(&*store, user).await;
        let mut openings = JoinSet::new();
        for number in 0..6 {
            let store = Arc::clone(&store);
            openings.spawn(async move {
                let id = format!("{round}-{number}");
                store
                    .open_family(family(&id, &user, version, now))
                    .await
                    .unwrap()
            });
        }
        // Somewhere among them.
        for _ in 0..round % 8 {
            tokio::task::yield_now().await;
        }
        let ended = match round % 3 {
            0 => store.change(&user, AccountChange::Active(false), now).await,
            1 => store.delete(&user).await,
            _ => Ok(set_password(&*store, user, true).await),
        };
        assert!(ended.unwrap());
        openings.join_all().await;
        assert_eq!(count(&app.db, user).await, 0, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn families_and_what_ends_them_wait_for_nobody_in_a_circle() {
    let app = TestApp::with_pool(1).await;
    let db = support::pool(&app.file.url(), 10).await;
    let (store, now) = (store::<Auth>(&db), app.clock.now());
    let users = [app.register("ada").await, app.register("bob").await];
    let mut lanes = JoinSet::new();
    for lane in 0..16_i64 {
        let (store, user) = (Arc::clone(&store), users[usize::from(lane % 2 == 0)]);
        lanes.spawn(async move {
            for turn in 0..25_i64 {
                let own = format!("{lane}-{turn}");
                let another = format!("{}-{turn}", (lane + 2) % 16);
                let version = epoch(&*store, user).await;
                store.open_family(family(&own, &user, version, now)).await?;
                store.rotate(&another, 0, &[8; 32], now).await?;
                match (lane + turn) % 6 {
                    0 => drop(store.end_all(&user, None, now).await?),
                    1 => drop(store.end_families(&user, now).await?),
                    2 => drop(store.end_family(&another, None).await?),
                    3 => drop(store.sweep(now.plus(MONTH), 100).await?),
                    4 => drop(
                        store
                            .change(&user, AccountChange::Active(false), now)
                            .await?,
                    ),
                    _ => drop(
                        store
                            .change(&user, AccountChange::Active(true), now)
                            .await?,
                    ),
                }
            }
            Ok::<_, crudauth::Error>(())
        });
    }
    let done = tokio::time::timeout(Duration::from_mins(1), lanes.join_all());
    for lane in done.await.expect("they wait for each other") {
        lane.unwrap();
    }
}
