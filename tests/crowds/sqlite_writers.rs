//! A hundred writers at once, through many authorities of one process on one file (SEC-155).

use std::collections::BTreeMap;
use std::time::Duration;

use crudauth::auth;
use crudauth::routing::Router;
use crudauth::testing::TestBuilder;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::support::{Answer, Client, PASSWORD, SECRET, TempDb, User, fresh_address};
use crate::turn::TURN;

auth! {
    #[database(sqlite, postgres)]
    // All hundred may wait for a hash: a full queue is 503 by another rule.
    #[password(queue = 128)]
    pub struct Roomy<User>;
}

/// Each has a pool of its own, of eight connections.
const AUTHORITIES: usize = 8;

/// What nobody waits for who has a hundred others before him, of a few milliseconds each. Where those who find the lock
/// taken look again after pauses, the unlucky one waits until the pauses end, which is after 1.8 s.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often each request was answered how, and how long one took at most.
#[derive(Debug, Default)]
struct Seen {
    answers: BTreeMap<(&'static str, u16), u32>,
    slowest: Duration,
}

impl Seen {
    async fn count(&mut self, what: &'static str, answer: impl Future<Output = Answer>) {
        let asked = Instant::now();
        let status = answer.await.status.as_u16();
        self.slowest = self.slowest.max(asked.elapsed());
        *self.answers.entry((what, status)).or_default() += 1;
    }

    fn add(&mut self, other: &Self) {
        self.slowest = self.slowest.max(other.slowest);
        for (key, count) in &other.answers {
            *self.answers.entry(*key).or_default() += count;
        }
    }
}

/// What a visitor does who signs up, mistypes, signs in, and leaves.
async fn visit(router: axum::Router, name: String, seen: &mut Seen) {
    let mut client = Client::new(router).from(&fresh_address());
    let sign_up =
        json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD });
    let change = json!({ "current_password": PASSWORD, "new_password": "another good password" });
    let stranger = client.clone();
    seen.count("register", stranger.post_json("/register", &sign_up))
        .await;
    seen.count("mistype", client.login(&name, "wrong password"))
        .await;
    seen.count("login", client.login(&name, PASSWORD)).await;
    seen.count("me", client.get("/me")).await;
    seen.count("change", client.post_json("/change-password", &change))
        .await;
    seen.count("logout", client.post("/logout")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_155_a_hundred_writers_through_eight_authorities_take_turns() {
    let _turn = TURN.lock().await;
    let file = TempDb::sqlite();
    let mut routers = Vec::new();
    for _ in 0..AUTHORITIES {
        let builder = Roomy::connect(file.url())
            .create_users_table(true)
            .secret(SECRET);
        let auth = builder.cheap_hashing().manual_workers().await.unwrap();
        let router = Router::new().mount(&auth).with_state(auth.clone());
        routers.push(router.into_axum());
    }
    let end = Instant::now() + Duration::from_secs(6);
    let mut writers = JoinSet::new();
    for writer in 0..100 {
        let router = routers[writer % AUTHORITIES].clone();
        writers.spawn(async move {
            let mut seen = Seen::default();
            for turn in 0.. {
                if Instant::now() > end {
                    break;
                }
                visit(router.clone(), format!("w{writer}t{turn}"), &mut seen).await;
            }
            seen
        });
    }
    let mut all = Seen::default();
    for seen in writers.join_all().await {
        all.add(&seen);
    }

    let expected = |what: &str| if what == "mistype" { 401 } else { 200 };
    assert!(
        all.answers
            .keys()
            .all(|(what, status)| *status == expected(what)),
        "{all:?}"
    );
    assert!(all.answers.values().sum::<u32>() > 600, "{all:?}");
    assert!(all.slowest < PATIENCE, "{all:?}");
}
