//! The outbox while mailers fail, dawdle, hang and panic: no answer waits for a message, and no message is lost.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use crudauth::Mailer;
use crudauth::mail::{
    BoxFuture, Content, Message, MessageContext, MessageKind, PATIENCE, SendError, Templates,
};
use crudauth::testing::{CaptureMailer, TestBuilder as _};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::log::Log;
use crate::mailed;
use crate::mailed::{MailApp, MailAuth, mail_app, token_of, with_pool};
use crate::outbox_worker::settle;
use crate::support::{self, Answer, PASSWORD, SECRET, fresh_address};

const NEW: &str = "another fine passphrase";
const DEADLINE: Duration = Duration::from_secs(30);

async fn left(app: &MailApp<MailAuth>) -> i64 {
    app.count("SELECT count(*) FROM auth_outbox").await
}

async fn register(app: &MailApp<MailAuth>, name: &str) -> Answer {
    let body =
        json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD });
    let client = app.client().from(&fresh_address());
    client.post_json("/register", &body).await
}

#[tokio::test]
async fn sec_156_a_dead_mailer_changes_no_answer_and_loses_nothing() {
    let mut answers = Vec::new();
    for dead in [false, true] {
        let app = mail_app().await;
        app.verified("ada").await;
        let ada = app.signed_in("ada").await;
        drop(app.mail.take());
        if dead {
            app.mail.fail_temporarily();
        }
        let to = json!({ "new_email": "eve@example.com", "password": PASSWORD });
        let change = json!({ "current_password": PASSWORD, "new_password": NEW });
        let taken = json!({ "email": "ada@example.com", "username": "eda", "password": PASSWORD });
        let again = app.client().from(&fresh_address());
        let said = [
            register(&app, "bob").await,
            again.post_json("/register", &taken).await,
            app.ask("/password/reset-request", "ada").await,
            app.ask("/email/verify-request", "bob").await,
            ada.post_json("/email/change-request", &to).await,
            ada.post_json("/change-password", &change).await,
        ];
        answers.push(said.map(|answer| (answer.status.as_u16(), answer.text)));
        // A minute of it.
        for _ in 0..12 {
            app.deliver().await;
            app.clock.advance(Duration::from_secs(5));
        }
        assert_eq!(app.mail.messages().is_empty(), dead);

        app.mail.deliver();
        app.clock.advance(Duration::from_mins(15));
        app.deliver().await;

        let mut sent: Vec<_> = app
            .mail
            .messages()
            .iter()
            .map(|mail| (mail.to.clone(), mail.kind()))
            .collect();
        sent.sort_by_key(|sent| format!("{sent:?}"));
        let ada = |kind| ("ada@example.com".to_owned(), kind);
        let bob = ("bob@example.com".to_owned(), MessageKind::VerifyEmail);
        let (known, changed) = (MessageKind::ExistingAccount, MessageKind::PasswordChanged);
        let expected = if dead {
            // What the new password, or a newer link, has voided meanwhile is not sent at all.
            vec![ada(known), ada(changed), bob]
        } else {
            let reset = MessageKind::ResetPassword;
            vec![ada(known), ada(changed), ada(reset), bob.clone(), bob]
        };
        assert_eq!(sent, expected, "dead: {dead}");
        assert_eq!(left(&app).await, 0);
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn sec_156_a_message_is_tried_again_after_5_15_45_seconds() {
    let app = mail_app().await;
    app.mail.fail_temporarily();
    app.sign_up("ada").await;
    let micro = Duration::from_micros(1);
    for (tried, wait) in [5, 15, 45, 135, 405, 900, 900].into_iter().enumerate() {
        let tried = tried + 1;
        app.clock
            .advance(Duration::from_secs(wait).saturating_sub(micro));
        app.deliver().await;
        assert_eq!(app.mail.attempts(), tried, "not before its time");
        app.clock.advance(micro);
        app.deliver().await;
        assert_eq!(app.mail.attempts(), tried + 1, "after {wait} s");
    }
    app.mail.deliver();
    app.clock.advance(Duration::from_mins(15));
    app.deliver().await;
    assert_eq!((app.mail.messages().len(), left(&app).await), (1, 0));
    let token = app.token(MessageKind::VerifyEmail, "ada");
    assert_eq!(
        app.confirm("/email/verify-confirm", &token).await.status,
        200
    );
}

#[tokio::test]
async fn sec_156_what_is_refused_for_good_is_dropped_and_logged() {
    let app = mail_app().await;
    let log = Log::start();
    app.mail.fail_permanently();
    app.sign_up("ada").await;
    assert_eq!((app.mail.attempts(), left(&app).await), (1, 0));
    let errors = log.take("ERROR");
    assert!(errors[0].contains("dropped"), "{errors:?}");
    assert!(!errors.concat().contains("ada@"), "{errors:?}");
}

#[tokio::test]
async fn sec_156_what_nobody_takes_before_it_expires_is_dropped_and_logged() {
    let app = mail_app().await;
    app.mail.fail_temporarily();
    app.sign_up("ada").await;
    let log = Log::start();
    app.clock.advance(Duration::from_hours(24));
    app.mail.deliver();
    app.deliver().await;
    assert_eq!((app.mail.messages().len(), left(&app).await), (0, 0));
    assert_eq!(log.take("ERROR").len(), 1);
}

/// Keeps what goes to names that begin with `slow` back until it is told to let one go.
#[derive(Clone)]
pub(crate) struct Gate {
    mail: CaptureMailer,
    pub(crate) open: Arc<Semaphore>,
    held: Arc<AtomicUsize>,
}

impl Gate {
    fn new() -> Self {
        let (mail, held) = (CaptureMailer::new(), Arc::default());
        let open = Arc::new(Semaphore::new(0));
        Self { mail, open, held }
    }

    /// Until `many` are being kept back.
    pub(crate) async fn holds(&self, many: usize) {
        let held = async {
            while self.held.load(Ordering::SeqCst) < many {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(DEADLINE, held)
            .await
            .expect("nothing is being sent");
    }
}

impl Mailer for Gate {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async move {
            if message.to.starts_with("slow") {
                self.held.fetch_add(1, Ordering::SeqCst);
                self.open.acquire().await.unwrap().forget();
            }
            self.mail.send(message).await
        })
    }
}

/// An application whose mailer is a gate; over a pool of `connections`.
pub(crate) async fn gated(connections: u32) -> (MailApp<MailAuth>, Gate) {
    let gate = Gate::new();
    let mut app = mailed!(MailAuth, connections, mailer(gate.clone()));
    app.mail = gate.mail.clone();
    (app, gate)
}

#[tokio::test]
async fn sec_156_a_slow_message_delays_no_answer_and_no_other_message() {
    let (app, gate) = gated(5).await;
    register(&app, "slow").await;
    for number in 0..20 {
        register(&app, &format!("fast{number}")).await;
    }
    let auth = app.auth.clone();
    let worker = tokio::spawn(async move { auth.run_due().await });
    gate.holds(1).await;
    let sent = |name: &'static str| {
        app.mail
            .wait_for(DEADLINE, move |mail| mail.to.starts_with(name))
    };
    assert!(sent("fast19").await.is_some());
    // What is left while it is in the air is not kept waiting either, nor is who asks.
    assert_eq!(register(&app, "late").await.status, 202);
    assert!(sent("late").await.is_some());
    assert!(!worker.is_finished());
    assert!(app.message(MessageKind::VerifyEmail, "slow").is_none());

    gate.open.add_permits(1);
    assert_eq!(worker.await.unwrap().unwrap(), 22);
    assert_eq!((app.mail.messages().len(), left(&app).await), (22, 0));
}

#[tokio::test]
async fn sec_151_mailing_holds_no_connection() {
    let (app, gate) = gated(1).await;
    for number in 0..8 {
        register(&app, &format!("slow{number}")).await;
    }
    let auth = app.auth.clone();
    let worker = tokio::spawn(async move { auth.run_due().await });
    gate.holds(8).await;

    // Eight are in the air, over the only connection there is.
    let ada = app.signed_in("slow0").await;
    assert_eq!(ada.get("/me").await.status, 200);
    let asked = ada.post("/logout-all").await;
    assert_eq!(asked.status, 200, "{}", asked.text);

    gate.open.add_permits(8);
    assert_eq!(worker.await.unwrap().unwrap(), 8);
    assert_eq!(left(&app).await, 0);
}

#[tokio::test]
async fn sec_151_every_flow_completes_over_one_connection() {
    let app = with_pool(1).await;
    for number in 0..20 {
        register(&app, &format!("u{number}")).await;
    }
    app.deliver().await;
    assert_eq!((app.mail.messages().len(), left(&app).await), (20, 0));
    app.verified("ada").await;
    let ada = app.signed_in("ada").await;
    assert_eq!(app.move_to(&ada, "eve").await.status, 200);
    let token = app.token(MessageKind::ChangeEmail, "eve");
    assert_eq!(
        app.confirm("/email/change-confirm", &token).await.status,
        200
    );
    app.deliver().await;
    let token = app.token(MessageKind::EmailChanged, "ada");
    assert_eq!(app.confirm("/email/change-undo", &token).await.status, 200);
    let token = app.reset_token("ada").await;
    assert_eq!(app.reset(&token, NEW).await.status, 200);
    app.deliver().await;
    assert_eq!(left(&app).await, 0);
}

#[tokio::test]
async fn a_mailer_that_hangs_is_given_up_after_thirty_seconds() {
    let app = mail_app().await;
    app.mail.hang();
    register(&app, "ada").await;
    let pool = support::pool(&app.file.url(), 2).await;
    let auth = MailAuth::builder(pool.clone())
        .secret(SECRET)
        .clock(app.clock.clone())
        .mailer(app.mail.clone())
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    // The runtime's own clock stands still, and does not jump while a thread is at work, as this one is.
    let (release, held) = mpsc::channel::<()>();
    let thread = tokio::task::spawn_blocking(move || held.recv());
    tokio::time::pause();
    let worker = tokio::spawn(async move { auth.run_due().await });
    while app.mail.attempts() == 0 {
        tokio::task::yield_now().await;
    }
    settle(&pool).await; // whoever waits for the database would be given up too
    tokio::time::advance(PATIENCE.saturating_sub(Duration::from_millis(2))).await;
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert!(!worker.is_finished());
    tokio::time::advance(Duration::from_millis(4)).await;
    assert_eq!(worker.await.unwrap().unwrap(), 0, "put off");
    drop(release);
    assert!(thread.await.unwrap().is_err());
    tokio::time::resume();

    app.mail.deliver();
    app.clock.advance(Duration::from_secs(5));
    app.deliver().await;
    assert_eq!((app.mail.messages().len(), left(&app).await), (1, 0));
}

/// Panics at its first message, in its first text.
#[derive(Clone, Default)]
struct Clumsy {
    sent: Arc<AtomicUsize>,
    mail: CaptureMailer,
}

impl Mailer for Clumsy {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        assert!(
            self.sent.fetch_add(1, Ordering::SeqCst) > 0,
            "the mailer panics"
        );
        self.mail.send(message)
    }
}

impl Templates for Clumsy {
    fn render(&self, context: &MessageContext) -> Option<Content> {
        assert!(
            self.sent.load(Ordering::SeqCst) > 0,
            "the template panics: {context:?}"
        );
        None
    }
}

#[tokio::test]
async fn sec_157_a_mailer_and_a_template_that_panic_end_no_worker() {
    let clumsy = Clumsy::default();
    let mut app = mailed!(
        MailAuth,
        5,
        mailer(clumsy.clone()),
        templates(clumsy.clone())
    );
    app.mail = clumsy.mail.clone();
    register(&app, "ada").await;
    register(&app, "bob").await;
    let log = Log::start();
    for _ in 0..4 {
        app.deliver().await;
        app.clock.advance(Duration::from_mins(1));
    }
    let mut to: Vec<_> = app
        .mail
        .messages()
        .into_iter()
        .map(|mail| mail.to)
        .collect();
    to.sort();
    assert_eq!(
        to,
        ["ada@example.com", "bob@example.com"],
        "{:?}",
        log.take("")
    );
    assert_eq!(left(&app).await, 0);
}

#[tokio::test]
async fn sec_156_a_row_that_cannot_be_read_keeps_no_other_back() {
    let app = mail_app().await;
    for number in 0..3 {
        // As a newer version might leave it, or a damaged disk.
        let odd = format!(
            "INSERT INTO auth_outbox (id, kind, attempts, next_at, created_at, expires_at)
             VALUES ('odd{number}', 'from the future', 0, 0, 0, 9000000000000000)"
        );
        app.db.run(odd).await;
    }
    register(&app, "ada").await;
    let log = Log::start();
    let done = app.auth.run_due().await;
    assert_eq!(app.mail.messages().len(), 1, "{done:?}");
    assert_eq!(
        left(&app).await,
        3,
        "another version may know what to do with them"
    );
    assert_eq!(log.take("ERROR").len(), 3);
    let token = token_of(&app.mail.messages()[0]);
    assert_eq!(
        app.confirm("/email/verify-confirm", &token).await.status,
        200
    );
}
