//! Several processes on one database, some of them killed (SEC-150).

use std::time::Duration;

use crudauth::testing::{Clock, TestBuilder, hashes_done};
use serde_json::json;
use tokio::task::JoinSet;

use crate::process::{Worker, say, task, told};
use crate::support::{self, Auth, Client, Db, PASSWORD, SECRET, TempDb};

#[test]
fn worker() {
    let Some((task, number, url)) = task() else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let auth = Auth::connect(url).create_users_table(true).secret(SECRET).cheap_hashing().await.unwrap();
        say("ready");
        if task != "load" {
            told();
        }
        match &*task {
            "register" => count(&auth, |client, turn| async move {
                let body = json!({ "email": "ada@example.com", "username": format!("u{}x{turn}", std::process::id()), "password": PASSWORD });
                client.post_json("/register", &body).await.status.as_u16()
            }).await,
            "guess" => count(&auth, |mut client, _| async move { client.login("ada", "wrong password").await.status.as_u16() }).await,
            "login" => count(&auth, |mut client, _| async move { client.login("ada", PASSWORD).await.status.as_u16() }).await,
            _ => load(&auth, &number).await,
        }
    });
}

/// Fifty callers at once; reports how many got which answer, and the hashes that were computed.
async fn count<F: Future<Output = u16> + Send + 'static>(
    auth: &Auth,
    make: impl Fn(Client, usize) -> F + Clone,
) {
    let router = support::routes(auth);
    let mut callers = JoinSet::new();
    for turn in 0..50 {
        let host = std::process::id().to_be_bytes();
        let client =
            Client::new(router.clone()).from(&format!("10.{}.{}.{turn}", host[2], host[3]));
        callers.spawn(make.clone()(client, turn));
    }
    let answers = callers.join_all().await;
    let of = |status: u16| answers.iter().filter(|answer| **answer == status).count();
    say(&format!(
        "{} {} {} {}",
        of(200),
        of(401) + of(422),
        of(429),
        hashes_done(auth)
    ));
}

/// Flows without end, eight at a time; says what has been promised to a client.
async fn load(auth: &Auth, number: &str) {
    let router = support::routes(auth);
    let mut lanes = JoinSet::new();
    for lane in 0..8_u8 {
        let (router, number) = (router.clone(), number.to_owned());
        lanes.spawn(async move {
            for turn in 0_u32.. {
                let name = format!("u{number}x{lane}x{turn}");
                let mut client = Client::new(router.clone()).from(&format!("10.{number}.{lane}.{}", turn % 250));
                let body = json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD });
                if client.post_json("/register", &body).await.status != 200 {
                    continue;
                }
                say(&format!("registered {name} ."));
                client.login(&name, "wrong password").await;
                client.login(&name, PASSWORD).await;
                // A browser of its own, for signing in ends the session presented.
                let mut other = Client::new(router.clone()).from(&format!("11.{number}.{lane}.{}", turn % 250));
                other.login(&name, PASSWORD).await;
                let body = json!({ "current_password": PASSWORD, "new_password": "another good password" });
                let changed = client.post_json("/change-password", &body).await;
                if changed.status == 200 {
                    say(&format!("changed {name} ."));
                }
                client.post("/csrf/refresh").await;
                other.post("/logout").await;
                client.post("/logout-all").await;
            }
        });
    }
    lanes.join_all().await;
}

/// A file with the account `ada`, a clock that stands, and a pool to look at it.
async fn prepared() -> (TempDb, Db) {
    let (file, pool) = support::database(2).await;
    let auth = Auth::builder(pool.clone())
        .secret(SECRET)
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    let body = json!({ "email": "ada@example.com", "username": "ada", "password": PASSWORD });
    assert_eq!(
        Client::new(support::routes(&auth))
            .post_json("/register", &body)
            .await
            .status,
        200
    );
    (file, pool)
}

/// Two processes do `task` at once, fifty callers each: sums of 200, of 401 and 422, of 429, and of hashes.
fn in_two_processes(task: &str, file: &TempDb) -> [usize; 4] {
    let mut workers: Vec<_> = (0..2)
        .map(|turn| Worker::start(worker, task, file, turn))
        .collect();
    for worker in &mut workers {
        worker.go();
    }
    let mut sums = [0; 4];
    for worker in &mut workers {
        let report = worker.report();
        for (sum, count) in sums.iter_mut().zip(report.split(' ')) {
            *sum += count.parse::<usize>().unwrap();
        }
        worker.child.wait().unwrap();
    }
    sums
}

#[tokio::test]
async fn one_address_registered_by_two_processes_at_once_is_one_account() {
    let (file, pool) = support::database(2).await;
    let [created, refused, ..] = in_two_processes("register", &file);
    assert_eq!((created, refused), (1, 99));
    assert_eq!(pool.count("SELECT count(*) FROM users").await, 1);
}

#[tokio::test]
async fn sec_034_two_processes_share_one_budget() {
    let (file, _pool) = prepared().await;
    let [_, judged, refused, hashes] = in_two_processes("guess", &file);
    assert_eq!((judged, refused, hashes), (5, 95, 5));
}

#[tokio::test]
async fn sec_055_two_processes_hold_the_cap() {
    let (file, pool) = prepared().await;
    let [opened, ..] = in_two_processes("login", &file);
    assert_eq!(opened, 100);
    assert_eq!(pool.count("SELECT count(*) FROM auth_sessions").await, 5);
}

#[tokio::test]
async fn sec_150_sixty_kills_under_load_leave_no_half_done_flow() {
    let (file, pool) = prepared().await;
    let mut seed = 0x9e37_79b9_u32;
    let mut promised = Vec::new();
    for round in 0..60 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mut worker = Worker::start(worker, "load", &file, round);
        let mut said = Vec::new();
        for _ in 0..seed >> 27 {
            said.push(worker.report().trim_end_matches(" .").to_owned());
        }
        said.extend(worker.kill());
        promised.push(said);

        assert_eq!(pool.wreckage().await, [""; 0], "after kill {round}");
        for (what, sql) in [
            (
                "a session has no account",
                "SELECT count(*) FROM auth_sessions WHERE user_id NOT IN (SELECT id FROM users)",
            ),
            (
                "a name has no account",
                "SELECT count(*) FROM auth_usernames WHERE user_id NOT IN (SELECT id FROM users)",
            ),
            (
                "an account has no name",
                "SELECT count(*) FROM users WHERE id NOT IN (SELECT user_id FROM auth_usernames)",
            ),
            (
                "an account has no hash",
                "SELECT count(*) FROM users WHERE password_hash NOT LIKE '$argon2id$%'",
            ),
            (
                "a session is of no epoch",
                "SELECT count(*) FROM auth_sessions s JOIN users u ON u.id = s.user_id WHERE s.token_version <> u.token_version",
            ),
        ] {
            assert_eq!(pool.count(sql).await, 0, "{what} after kill {round}");
        }
    }

    // Whatever was promised holds, and what the dead processes held lapses in a minute.
    let clock = Clock::manual();
    clock.advance(Duration::from_secs(61));
    let auth = Auth::builder(pool.clone())
        .secret(SECRET)
        .clock(clock.clone())
        .cheap_hashing()
        .await
        .unwrap();
    let router = support::routes(&auth);
    let (mut registered, mut changed) = (0, 0);
    for said in &promised {
        for name in said
            .iter()
            .filter_map(|report| report.strip_prefix("registered "))
            .take(4)
        {
            let was_changed = said.contains(&format!("changed {name}"));
            let mut passwords = vec!["another good password"];
            if !was_changed {
                passwords.push(PASSWORD); // the change may have been under way
            }
            let mut statuses = Vec::new();
            for password in passwords {
                let mut client = Client::new(router.clone()).from(&support::fresh_address());
                statuses.push(client.login(name, password).await.status.as_u16());
            }
            assert!(statuses.contains(&200), "{name}: {statuses:?}");
            registered += 1;
            changed += usize::from(was_changed);
        }
    }
    assert!(registered > 100, "{registered} accounts were promised");
    assert!(changed > 10, "{changed} changes were promised");
}
