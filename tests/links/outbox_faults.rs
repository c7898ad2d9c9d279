//! The outbox when processes die and secrets change: a message comes at least once, and its link works or is not sent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crudauth::Mailer;
use crudauth::mail::{BoxFuture, Message, MessageKind, SendError};
use crudauth::testing::{CaptureMailer, Clock, TestBuilder};
use serde_json::json;

use crate::log::Log;
use crate::mailed;
use crate::mailed::{MailApp, MailAuth, mail_app, token_of};
use crate::outbox::gated;
use crate::process::{Worker, say, task, told};
use crate::support::{self, Client, PASSWORD, SECRET, fresh_address, pool};

const NEW: &str = "another fine passphrase";
const OTHER: &str = "another secret: 32 bytes and some more";
const DEADLINE: Duration = Duration::from_secs(20);

async fn left(app: &MailApp<MailAuth>) -> i64 {
    app.count("SELECT count(*) FROM auth_outbox").await
}

/// The application as it starts again on the same database, with these secrets.
async fn restarted<const N: usize>(
    app: &MailApp<MailAuth>,
    secrets: [&str; N],
) -> MailApp<MailAuth> {
    let mail = CaptureMailer::new();
    let auth = MailAuth::builder(pool(&app.file.url(), 5).await)
        .secrets(secrets)
        .clock(app.clock.clone())
        .mailer(mail.clone())
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    let router = auth.router();
    let (clock, db) = (app.clock.clone(), pool(&app.file.url(), 2).await);
    let file = support::TempDb::new(); // a name that nobody uses; the first one removes the database
    let app = support::Custom {
        auth,
        clock,
        db,
        router,
        file,
    };
    MailApp { app, mail }
}

async fn register(client: Client, name: &str) {
    let body =
        json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD });
    let answer = client
        .from(&fresh_address())
        .post_json("/register", &body)
        .await;
    assert_eq!(answer.status, 202, "{}", answer.text);
}

#[tokio::test]
async fn sec_156_what_is_due_when_a_process_ends_is_delivered_by_the_next() {
    let app = mail_app().await;
    register(app.client(), "ada").await;
    let next = restarted(&app, [SECRET]).await;
    assert_eq!(next.auth.run_due().await.unwrap(), 1);
    let token = next.token(MessageKind::VerifyEmail, "ada");
    assert_eq!(
        next.confirm("/email/verify-confirm", &token).await.status,
        200
    );
    assert_eq!(
        (left(&app).await, next.auth.run_due().await.unwrap()),
        (0, 0)
    );
}

/// Never answers, and keeps what it was given.
#[derive(Clone, Default)]
struct Deaf(Arc<Mutex<Vec<Message>>>);

impl Mailer for Deaf {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        self.0.lock().unwrap().push(message.clone());
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn sec_156_a_message_whose_sender_died_is_sent_again_after_its_lease() {
    let deaf = Deaf::default();
    let app = mailed!(MailAuth, 5, mailer(deaf.clone()));
    register(app.client(), "ada").await;
    let auth = app.auth.clone();
    let dying = tokio::spawn(async move { auth.run_due().await });
    while deaf.0.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());

    let next = restarted(&app, [SECRET]).await;
    app.clock.advance(Duration::from_micros(59_999_999));
    assert_eq!(
        next.auth.run_due().await.unwrap(),
        0,
        "it may be on its way"
    );
    app.clock.advance(Duration::from_micros(1));
    assert_eq!(next.auth.run_due().await.unwrap(), 1);

    let [second] = &next.mail.messages()[..] else {
        panic!("not one message")
    };
    let first = deaf.0.lock().unwrap()[0].clone();
    assert_eq!(
        (&first.id, first.context.link.as_deref()),
        (&second.id, second.context.link.as_deref())
    );
    let answer = next
        .confirm("/email/verify-confirm", &token_of(second))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn sec_156_an_answer_that_comes_after_the_lease_does_not_speak_for_the_next_sender() {
    let (app, gate) = gated(5).await;
    let next = restarted(&app, [SECRET]).await;
    register(app.client(), "slow").await;
    app.mail.fail_permanently();
    let auth = app.auth.clone();
    let late = tokio::spawn(async move { auth.run_due().await.unwrap() });
    gate.holds(1).await;
    // The first process is slow enough to lose its lease; the second has the row now.
    app.clock.advance(Duration::from_mins(1));
    next.mail.fail_temporarily();
    assert_eq!(next.auth.run_due().await.unwrap(), 0);
    assert_eq!((app.mail.attempts(), next.mail.attempts()), (0, 1));
    gate.open.add_permits(1);
    late.await.unwrap();
    assert_eq!(app.mail.attempts(), 1);

    assert_eq!(
        left(&app).await,
        1,
        "what the first one heard is not the last word"
    );
    next.mail.deliver();
    app.clock.advance(Duration::from_mins(1));
    assert_eq!(next.auth.run_due().await.unwrap(), 1);
}

/// An account with a link of every kind that has been made and not been taken, and the messages' number.
async fn undelivered(app: &MailApp<MailAuth>) -> i64 {
    app.verified("ada").await;
    let ada = app.signed_in("ada").await;
    drop(app.mail.take());
    app.mail.fail_temporarily();
    register(app.client(), "bob").await;
    app.ask("/password/reset-request", "ada").await;
    app.move_to(&ada, "eve").await;
    left(app).await
}

#[tokio::test]
async fn sec_088_a_link_of_a_secret_that_was_taken_away_is_dropped_and_logged() {
    let app = mail_app().await;
    assert_eq!(undelivered(&app).await, 3);
    let log = Log::start();
    let next = restarted(&app, [OTHER]).await;
    app.clock.advance(Duration::from_mins(1));
    next.deliver().await;

    assert!(
        next.mail.messages().is_empty(),
        "{:?}",
        next.mail.messages()
    );
    assert_eq!(left(&app).await, 0);
    let errors = log.take("ERROR");
    assert!(!errors.is_empty());
    for error in errors {
        assert!(
            error.contains("secret") && error.contains("dropped"),
            "{error}"
        );
        assert!(!error.contains('@'), "{error}");
    }
}

#[tokio::test]
async fn sec_088_a_rotated_secret_still_delivers_and_confirms() {
    let app = mail_app().await;
    assert_eq!(undelivered(&app).await, 3);
    let next = restarted(&app, [OTHER, SECRET]).await;
    app.clock.advance(Duration::from_mins(1));
    next.deliver().await;

    assert_eq!((next.mail.messages().len(), left(&app).await), (3, 0));
    let token = next.token(MessageKind::VerifyEmail, "bob");
    assert_eq!(
        next.confirm("/email/verify-confirm", &token).await.status,
        200
    );
    let token = next.token(MessageKind::ChangeEmail, "eve");
    assert_eq!(
        next.confirm("/email/change-confirm", &token).await.status,
        200
    );
    next.deliver().await;
    let token = next.token(MessageKind::EmailChanged, "ada");
    assert_eq!(next.confirm("/email/change-undo", &token).await.status, 200);
    let token = next.reset_token("ada").await;
    assert_eq!(next.reset(&token, NEW).await.status, 200);
}

#[tokio::test]
async fn sec_157_a_database_that_goes_and_comes_back_delays_what_is_due() {
    let app = mail_app().await;
    for number in 0..12 {
        register(app.client(), &format!("u{number}")).await;
    }
    let mut thief = app.db.seize().await;
    assert!(app.auth.run_due().await.is_err());
    thief.run("ROLLBACK").await;
    drop(thief);
    app.deliver().await;
    assert_eq!((app.mail.messages().len(), left(&app).await), (12, 0));
}

#[tokio::test]
async fn sec_157_a_message_that_is_in_the_air_when_the_database_goes_lands() {
    let (app, gate) = gated(5).await;
    register(app.client(), "slow").await;
    let auth = app.auth.clone();
    let worker = tokio::spawn(async move { auth.run_due().await });
    gate.holds(1).await;
    let mut thief = app.db.seize().await;
    gate.open.add_permits(2); // this time, and the next
    let sent = app.mail.wait_for(DEADLINE, |_| true).await;
    let first = sent.expect("it was in the air");
    assert_eq!(
        worker.await.unwrap().unwrap_or(0),
        0,
        "nobody could write it down"
    );
    thief.run("ROLLBACK").await;
    drop(thief);

    app.clock.advance(Duration::from_mins(1));
    app.deliver().await;
    let messages = app.mail.messages();
    assert_eq!((messages.len(), left(&app).await), (2, 0), "at least once");
    assert_eq!(
        messages[1].id, first.id,
        "and the second is known by its name"
    );
}

/// Writes down what it is given where the parent reads it, and takes it or never answers.
struct Teller {
    takes: bool,
}

impl Mailer for Teller {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async move {
            say(&format!("{} {} .", message.id, token_of(message)));
            if !self.takes {
                std::future::pending::<()>().await;
            }
            Ok(())
        })
    }
}

#[test]
fn worker() {
    let Some((task, _, url)) = task() else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let clock = Clock::manual();
        let builder = MailAuth::connect(url)
            .secret(SECRET)
            .clock(clock.clone())
            .cheap_hashing();
        let builder = builder.mailer(Teller {
            takes: task == "sends",
        });
        let auth = builder.manual_workers().await.unwrap();
        say("ready");
        told();
        if task == "asks" {
            register(Client::new(auth.router()), "ada").await;
            say("asked .");
            std::future::pending::<()>().await;
        }
        if task == "sends" {
            clock.advance(Duration::from_mins(2)); // the lease of one that died is over
        }
        auth.run_due().await.unwrap();
        say("done .");
    });
}

/// What a worker on the application's database says until it is killed, after `until` lines.
async fn killed(app: &MailApp<MailAuth>, task: &'static str, until: usize) -> Vec<String> {
    let file = app.file.url();
    let mut worker = Worker::start(worker, task, &app.file, 0);
    worker.go();
    tokio::task::spawn_blocking(move || {
        let mut said: Vec<_> = (0..until).map(|_| worker.report()).collect();
        said.extend(worker.kill());
        said
    })
    .await
    .unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[tokio::test]
async fn sec_150_a_process_that_is_killed_at_any_moment_loses_no_message() {
    let app = mail_app().await;
    // Killed between the commit and the delivery; killed in the delivery; and one that lives.
    assert_eq!(killed(&app, "asks", 1).await, ["asked ."]);
    assert_eq!(left(&app).await, 1);
    let hung = killed(&app, "hangs", 1).await;
    assert_eq!(left(&app).await, 1);
    let sent = killed(&app, "sends", 2).await;
    assert_eq!(left(&app).await, 0);

    assert_eq!(hung[0], sent[0], "the same name, and the same link");
    assert_eq!(sent[1], "done .");
    let token = sent[0].split(' ').nth(1).unwrap();
    let answer = app.confirm("/email/verify-confirm", token).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(app.db.wreckage().await.is_empty());
}
