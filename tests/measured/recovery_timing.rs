//! Time tells no more than the answer does: a request about somebody's address takes as long as one about nobody's,
//! whatever the mailer is doing (SEC-028, SEC-029).

#![expect(
    clippy::disallowed_methods,
    reason = "measures what an attacker would measure"
)]

use std::time::{Duration, Instant};

use crudauth::auth;
use crudauth::routing::Router;
use crudauth::testing::{CaptureMailer, Clock};
use serde_json::json;

use crate::support::{self, Client, Db, PASSWORD, SECRET, TempDb, User, fresh_address};
use crate::timing::{compare, median, order};
use crate::turn::TURN;

auth! {
    #[database(sqlite, postgres)]
    #[password(argon2(m = "7MiB", t = 5))]
    #[email(frontend_url = "https://app.example.com")]
    pub struct Mailing<User>;
}

const SAMPLES: usize = 200;
/// Fails only if the bar is missed each time: what a neighbour on the machine does is not there five times over, a
/// difference in cost is.
const BATCHES: usize = 5;

/// How a sample may differ from the first class: by this part of the median, and by no more than this.
#[derive(Clone, Copy)]
struct Bar {
    drift: f64,
    most: Duration,
}

/// The application with its worker at work, as in production.
struct World {
    router: axum::Router,
    auth: Mailing,
    db: Db,
    _file: TempDb,
}

async fn world(mail: CaptureMailer) -> World {
    let (file, pool) = support::database(4).await;
    let auth = Mailing::builder(pool)
        .secret(SECRET)
        .clock(Clock::manual())
        .mailer(mail)
        .await
        .unwrap();
    let router = Router::new()
        .mount(&auth)
        .with_state(auth.clone())
        .into_axum();
    let db = support::pool(&file.url(), 1).await;
    World {
        router,
        auth,
        db,
        _file: file,
    }
}

impl World {
    async fn sign_up(&self, name: &str) -> Duration {
        let client = Client::new(self.router.clone()).from(&fresh_address());
        let body = json!({ "email": format!("{name}@example.com"), "username": format!("{name} {}", fresh_address()), "password": PASSWORD });
        let begun = Instant::now();
        let answer = client.post_json("/register", &body).await;
        let took = begun.elapsed();
        assert_eq!(answer.status, 202, "{}", answer.text);
        took
    }

    async fn ask(&self, path: &str, name: &str) -> Duration {
        let client = Client::new(self.router.clone()).from(&fresh_address());
        let body = json!({ "email": format!("{name}@example.com") });
        let begun = Instant::now();
        let answer = client.post_json(path, &body).await;
        let took = begun.elapsed();
        assert_eq!(answer.status, 200, "{}", answer.text);
        took
    }

    /// Until the worker has looked everything up that has been asked for. What it does for one request must not be measured
    /// with the next: that would be noise, and of either.
    async fn settle(&self) {
        let waiting = "SELECT count(*) FROM auth_outbox WHERE attempts = 0 OR recipient IS NULL";
        while self.db.count(waiting).await > 0 {
            tokio::task::yield_now().await;
        }
    }

    async fn accounts(&self) {
        for name in ["known", "control", "verified", "disabled", "throttled"] {
            self.sign_up(name).await;
        }
        self.db
            .run("UPDATE users SET email_verified = TRUE WHERE email = 'verified@example.com'")
            .await;
        self.db
            .run("UPDATE users SET is_active = FALSE WHERE email = 'disabled@example.com'")
            .await;
        for _ in 0..6 {
            self.ask("/password/reset-request", "throttled").await;
            self.ask("/email/verify-request", "throttled").await;
        }
    }
}

/// Compares every class with the first, batch after batch, until one holds the bar.
async fn hold<F: Future<Output = Duration>>(
    what: &str,
    classes: &[&str],
    bar: Bar,
    mut sample: impl FnMut(usize, usize) -> F,
) {
    let mut verdicts = Vec::new();
    for batch in 0..BATCHES {
        let mut samples: Vec<Vec<Duration>> = vec![Vec::with_capacity(SAMPLES); classes.len()];
        for turn in 0..SAMPLES {
            for class in order(turn, classes.len()) {
                samples[class].push(sample(class, batch * SAMPLES + turn).await);
            }
        }
        let worst: Vec<_> = classes
            .iter()
            .zip(&samples)
            .skip(1)
            .map(|(name, other)| {
                let (drift, rank) = compare(&samples[0], other);
                let off = median(&samples[0]).abs_diff(median(other));
                (
                    drift < bar.drift && off < bar.most && rank < 4.5,
                    format!(
                        "{name}: median off by {off:?} ({:.1} %) of {:?}, rank z = {rank:.2}",
                        drift * 100.0,
                        median(&samples[0])
                    ),
                )
            })
            .collect();
        if worst.iter().all(|(good, _)| *good) {
            return;
        }
        verdicts.extend(worst.into_iter().map(|(_, text)| text));
    }
    panic!(
        "{what}: the bar was missed {BATCHES} times:\n{}",
        verdicts.join("\n")
    );
}

async fn requests_take_the_same(mail: CaptureMailer, path: &str) {
    let _turn = TURN.lock().await;
    let world = world(mail).await;
    world.accounts().await;
    let classes = [
        "nobody",
        "somebody else",
        "known",
        "control",
        "verified",
        "disabled",
        "throttled",
    ];
    let bar = Bar {
        drift: 0.10,
        most: Duration::from_millis(1),
    };
    let world = &world;
    hold(path, &classes, bar, |class, _| async move {
        // Each a target that may have another message, but for the one that may not.
        let _ = world
            .db
            .try_run("DELETE FROM auth_limits WHERE hits < 5")
            .await;
        let name = classes[class].replace(' ', ".");
        world.settle().await;
        world.ask(path, &name).await
    })
    .await;
    drop(world.auth.clone());
}

fn slow() -> CaptureMailer {
    let mail = CaptureMailer::new();
    mail.delay(Duration::from_millis(100));
    mail
}

fn dead() -> CaptureMailer {
    let mail = CaptureMailer::new();
    mail.fail_temporarily();
    mail
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_029_a_reset_request_takes_the_same_time_with_a_slow_mailer() {
    requests_take_the_same(slow(), "/password/reset-request").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_029_a_reset_request_takes_the_same_time_with_a_dead_mailer() {
    requests_take_the_same(dead(), "/password/reset-request").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_029_a_verify_request_takes_the_same_time_with_a_slow_mailer() {
    requests_take_the_same(slow(), "/email/verify-request").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_029_a_verify_request_takes_the_same_time_with_a_dead_mailer() {
    requests_take_the_same(dead(), "/email/verify-request").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_028_a_sign_up_takes_the_same_time_for_free_and_taken_addresses() {
    let _turn = TURN.lock().await;
    for mail in [slow(), dead()] {
        let world = world(mail).await;
        for name in ["taken", "control"] {
            world.sign_up(name).await;
        }
        let bar = Bar {
            drift: 0.02,
            most: Duration::from_millis(1),
        };
        let world = &world;
        hold(
            "/register",
            &["taken", "control", "free"],
            bar,
            |class, turn| async move {
                let _ = world.db.try_run("DELETE FROM auth_limits").await;
                world.settle().await;
                match class {
                    0 => world.sign_up("taken").await,
                    1 => world.sign_up("control").await,
                    _ => world.sign_up(&format!("free{turn}")).await,
                }
            },
        )
        .await;
    }
}
