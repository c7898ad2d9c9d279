//! The worker that runs by itself: how soon it begins, what it survives, and what it leaves when it is stopped.

use std::sync::mpsc;
use std::time::Duration;

use crudauth::mail::Message;
use crudauth::testing::{CaptureMailer, TestBuilder};
use serde_json::json;

use crate::mailed::{MailAuth, token_of};
use crate::support::{self, Answer, Client, Db, PASSWORD, SECRET, TempDb, fresh_address};

const A_SECOND: Duration = Duration::from_secs(1);
/// A worker looks for what others have left this often.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// A shutdown waits for messages this long.
const DRAIN: Duration = Duration::from_secs(5);
const DEADLINE: Duration = Duration::from_secs(20);

/// A process of the application.
struct Process {
    auth: MailAuth,
    pool: Db,
    mail: CaptureMailer,
}

impl Process {
    async fn start(file: &TempDb, works: bool) -> Self {
        let mail = CaptureMailer::new();
        let pool = support::with_users(file, 5).await;
        let builder = MailAuth::builder(pool.clone())
            .secret(SECRET)
            .mailer(mail.clone())
            .cheap_hashing();
        let auth = if works {
            builder.await
        } else {
            builder.manual_workers().await
        };
        let auth = auth.unwrap();
        Self { auth, pool, mail }
    }

    async fn post(&self, path: &str, body: serde_json::Value) -> Answer {
        let client = Client::new(self.auth.router()).from(&fresh_address());
        client.post_json(path, &body).await
    }

    async fn register(&self, name: &str) {
        let body = json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD });
        let answer = self.post("/register", body).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
    }

    async fn sent_to(&self, name: &str, patience: Duration) -> Option<Message> {
        let to = format!("{name}@example.com");
        self.mail.wait_for(patience, |mail| mail.to == to).await
    }

    async fn confirms(&self, message: &Message) {
        let body = json!({ "token": token_of(message) });
        let answer = self.post("/email/verify-confirm", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

async fn left(db: &Db) -> i64 {
    db.count("SELECT count(*) FROM auth_outbox").await
}

/// Until the outbox is empty.
async fn emptied(db: &Db) {
    let emptied = async { while left(db).await > 0 {} };
    tokio::time::timeout(DEADLINE, emptied)
        .await
        .expect("something is left");
}

/// Lets `span` pass for whoever waits for time to pass, at once. Nothing is in the database's hands meanwhile.
async fn pass(span: Duration) {
    // The clock would jump by itself if no thread were at work.
    let (release, held) = mpsc::channel::<()>();
    drop(tokio::task::spawn_blocking(move || held.recv()));
    tokio::time::pause();
    tokio::time::advance(span).await;
    tokio::time::resume();
    drop(release);
}

/// Everybody else comes as far as without time: whoever had asked the database through `pool` has heard from it, and gone on.
pub(crate) async fn settle(pool: &Db) {
    let settled = async {
        let mut idle = 0;
        while idle < 3 {
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
            idle = if pool.is_idle() { idle + 1 } else { 0 };
        }
    };
    tokio::time::timeout(DEADLINE, settled)
        .await
        .expect("somebody keeps a connection");
}

#[tokio::test]
async fn sec_156_delivery_begins_within_a_second_of_the_answer() {
    let file = TempDb::new();
    let process = Process::start(&file, true).await;
    for name in ["ada", "bob", "cyd"] {
        process.register(name).await;
        let message = process.sent_to(name, A_SECOND).await;
        process.confirms(&message.expect("nothing was sent")).await;
    }
    let body = json!({ "email": "ada@example.com" });
    assert_eq!(
        process.post("/password/reset-request", body).await.status,
        200
    );
    let reset = |mail: &Message| mail.content.subject.contains("Reset");
    assert!(process.mail.wait_for(A_SECOND, reset).await.is_some());
    process.auth.shutdown().await;
}

#[tokio::test]
async fn sec_157_what_a_process_left_that_died_is_found_by_another() {
    let file = TempDb::new();
    let db = support::pool(&file.url(), 1).await;
    let dead = Process::start(&file, false).await;
    let living = Process::start(&file, true).await;
    // Until it has looked for the first time, and found nothing.
    living.register("eve").await;
    assert!(living.sent_to("eve", DEADLINE).await.is_some());
    emptied(&db).await;
    settle(&living.pool).await; // it looks once more, and sleeps
    dead.register("ada").await;
    drop(dead);

    settle(&living.pool).await;
    assert!(living.mail.last_to("ada@example.com").is_none());
    pass(LOOK_AGAIN).await;
    settle(&living.pool).await;
    let found = living.sent_to("ada", A_SECOND).await;
    living.confirms(&found.expect("nobody looks")).await;
}

#[tokio::test]
async fn sec_157_the_worker_outlives_a_database_that_goes_away() {
    let file = TempDb::new();
    let db = support::pool(&file.url(), 2).await;
    let process = Process::start(&file, true).await;
    let other = Process::start(&file, false).await;
    other.register("ada").await;
    let mut thief = db.seize().await;
    // Woken while there is nothing to be had: it fails, and says so in the log.
    let body = json!({ "email": "ada@example.com" });
    assert_eq!(
        process
            .post("/password/reset-request", body.clone())
            .await
            .status,
        503
    );
    thief.run("ROLLBACK").await;
    drop(thief);

    assert_eq!(
        process.post("/password/reset-request", body).await.status,
        200
    );
    let sent = process
        .mail
        .wait_for(DEADLINE, |mail| mail.content.subject.contains("Reset"));
    assert!(sent.await.is_some());
    assert!(process.sent_to("ada", DEADLINE).await.is_some());
    emptied(&db).await;
}

#[tokio::test]
async fn sec_153_a_shutdown_delivers_what_is_due() {
    let file = TempDb::new();
    let db = support::pool(&file.url(), 1).await;
    for works in [true, false] {
        let process = Process::start(&file, works).await;
        process.mail.delay(Duration::from_millis(50));
        for number in 0..10 {
            process.register(&format!("u{number}{works}")).await;
        }
        process.auth.shutdown().await;
        assert_eq!(
            (process.mail.messages().len(), left(&db).await),
            (10, 0),
            "{works}"
        );
    }
}

#[tokio::test]
async fn sec_153_a_shutdown_leaves_to_the_next_start_what_is_not_taken() {
    let file = TempDb::new();
    let db = support::pool(&file.url(), 1).await;
    let process = Process::start(&file, true).await;
    process.mail.fail_temporarily();
    process.register("ada").await;
    process.auth.shutdown().await;
    assert_eq!((process.mail.messages().len(), left(&db).await), (0, 1));
    db.run("UPDATE auth_outbox SET next_at = 0").await; // its time has come

    let next = Process::start(&file, true).await;
    next.confirms(&next.sent_to("ada", DEADLINE).await.expect("it was left"))
        .await;
    emptied(&db).await;
}

#[tokio::test]
async fn sec_153_a_shutdown_waits_five_seconds_for_a_mailer_that_hangs() {
    let file = TempDb::new();
    let db = support::pool(&file.url(), 1).await;
    let process = Process::start(&file, true).await;
    process.mail.hang();
    process.register("ada").await;
    while process.mail.attempts() == 0 {
        tokio::task::yield_now().await;
    }
    let auth = process.auth.clone();
    let ending = tokio::spawn(async move { auth.shutdown().await });
    settle(&process.pool).await;
    assert!(!ending.is_finished());
    pass(DRAIN).await;
    settle(&process.pool).await;
    let ended = tokio::time::timeout(2 * A_SECOND, ending).await;
    ended.expect("it waits for longer").unwrap();
    assert_eq!(left(&db).await, 1);
}

/// The worker is asleep when it is stopped, and finds a message that it has not been told of.
#[tokio::test]
async fn sec_153_a_shutdown_waits_no_longer_for_what_another_process_has_left() {
    let file = TempDb::new();
    let db = support::pool(&file.url(), 1).await;
    let other = Process::start(&file, false).await;
    let process = Process::start(&file, true).await;
    process.register("eve").await;
    assert!(process.sent_to("eve", DEADLINE).await.is_some());
    emptied(&db).await;
    settle(&process.pool).await;
    process.mail.hang();
    other.register("ada").await;
    settle(&process.pool).await;

    let auth = process.auth.clone();
    let ending = tokio::spawn(async move { auth.shutdown().await });
    let found = async {
        while process.mail.attempts() == 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, found)
        .await
        .expect("nobody looks once more");
    settle(&process.pool).await;
    assert!(!ending.is_finished());
    pass(DRAIN).await;
    settle(&process.pool).await;
    let ended = tokio::time::timeout(2 * A_SECOND, ending).await;
    ended.expect("it waits for longer").unwrap();
    assert_eq!(left(&db).await, 1);
}

#[tokio::test]
async fn sec_157_the_worker_ends_with_the_last_handle_on_the_authority() {
    let file = TempDb::new();
    let alive = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let process = Process::start(&file, true).await;
    process.register("ada").await;
    assert!(process.sent_to("ada", DEADLINE).await.is_some());
    assert!(alive() > 0);
    drop(process);
    let ended = async {
        while alive() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, ended)
        .await
        .expect("something runs on");
}
