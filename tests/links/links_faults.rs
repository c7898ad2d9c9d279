//! A locked database, and clients that hang up, in each flow of links and messages: whole or nothing, and a retry ends it.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use crudauth::mail::MessageKind;
use crudauth::testing::hashing;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::mailed::{MailApp, MailAuth, mail_app};
use crate::support::{Answer, Client, JSON, PASSWORD, fresh_address};

const NEW: &str = "another fine passphrase";
/// A client is told within two seconds that there is no database, and what a busy machine adds.
const PATIENCE: Duration = Duration::from_secs(3);

const FLOWS: [&str; 7] = [
    "/email/verify-request",
    "/password/reset-request",
    "/email/change-request",
    "/email/verify-confirm",
    "/password/reset-confirm",
    "/email/change-confirm",
    "/email/change-undo",
];

/// A request that is ready to be made, and the account that it is about.
struct Scene {
    name: String,
    path: &'static str,
    client: Client,
    body: Value,
    /// Signed in from before.
    session: Client,
}

impl Scene {
    async fn new(app: &MailApp<MailAuth>, path: &'static str, number: usize) -> Self {
        let name = format!("u{number}");
        let next = format!("{name}-next");
        app.sign_up(&name).await;
        let session = app.signed_in(&name).await.from(&fresh_address());
        let proof = app.token(MessageKind::VerifyEmail, &name);
        if !path.contains("verify") {
            assert_eq!(
                app.confirm("/email/verify-confirm", &proof).await.status,
                200
            );
        }
        let moving = path.contains("change-confirm") || path.contains("change-undo");
        if moving {
            app.move_to(&session, &next).await;
        }
        if path.contains("change-undo") {
            let token = app.token(MessageKind::ChangeEmail, &next);
            assert_eq!(
                app.confirm("/email/change-confirm", &token).await.status,
                200
            );
            app.deliver().await;
        }
        let address = format!("{name}@example.com");
        let body = match path {
            "/email/change-request" => {
                json!({ "new_email": format!("{next}@example.com"), "password": PASSWORD })
            }
            "/email/verify-confirm" => json!({ "token": proof }),
            "/password/reset-confirm" => {
                json!({ "token": app.reset_token(&name).await, "new_password": NEW })
            }
            "/email/change-confirm" => {
                json!({ "token": app.token(MessageKind::ChangeEmail, &next) })
            }
            "/email/change-undo" => json!({ "token": app.token(MessageKind::EmailChanged, &name) }),
            _ => json!({ "email": address }),
        };
        let client = if path.contains("change-request") {
            session.clone()
        } else {
            app.client().from(&fresh_address())
        };
        Self {
            name,
            path,
            client,
            body,
            session,
        }
    }

    async fn ask(&self) -> Answer {
        self.client.post_json(self.path, &self.body).await
    }

    /// Whether the effect is there.
    async fn happened(&self, app: &MailApp<MailAuth>) -> bool {
        let user = app
            .auth
            .users()
            .find_by_username(&self.name)
            .await
            .unwrap()
            .unwrap();
        let moved = user.email.contains("-next");
        match self.path {
            "/email/verify-confirm" => user.email_verified,
            "/email/change-confirm" => moved,
            "/email/change-undo" => !moved,
            "/password/reset-confirm" => {
                let mut client = app.client().from(&fresh_address());
                client.login(&self.name, NEW).await.status == 200
            }
            _ => app.count("SELECT count(*) FROM auth_outbox").await > 0,
        }
    }

    /// Whether the token has been spent; it is so if and only if its effect is there.
    async fn spent(&self, app: &MailApp<MailAuth>) -> bool {
        let kind = match self.path {
            "/email/verify-confirm" => "verify",
            "/email/change-confirm" => "change_email",
            "/email/change-undo" => "undo_email_change",
            "/password/reset-confirm" => "reset_password",
            _ => return self.happened(app).await,
        };
        let spent = "SELECT count(*) FROM auth_tokens t JOIN users u ON u.id = t.user_id
                     WHERE u.username = $1 AND t.kind = $2 AND t.used_at IS NOT NULL";
        let spent = app
            .db
            .query(spent)
            .bind(self.name.clone())
            .bind(kind.to_owned());
        spent.scalar::<i64>().await > 0
    }

    async fn is_whole_or_nothing(&self, app: &MailApp<MailAuth>, when: &str) -> bool {
        let happened = self.happened(app).await;
        assert_eq!(self.spent(app).await, happened, "{} {when}", self.path);
        let evicts = ["/password/reset-confirm", "/email/change-undo"].contains(&self.path);
        let signed_out = self.session.get("/me").await.status == 401;
        assert_eq!(signed_out, evicts && happened, "{} {when}", self.path);
        happened
    }

    /// A retry completes it, or finds that it has happened.
    async fn completes(&self, app: &MailApp<MailAuth>, happened: bool) {
        let again = self.ask().await;
        let confirms = self.path.contains("confirm") || self.path.contains("undo");
        let expected = if happened && confirms { 400 } else { 200 };
        assert_eq!(again.status, expected, "{}: {}", self.path, again.text);
        assert!(self.is_whole_or_nothing(app, "in the end").await);
        app.deliver().await;
        assert_eq!(app.count("SELECT count(*) FROM auth_outbox").await, 0);
        app.db.run("DELETE FROM auth_limits").await;
    }
}

#[tokio::test]
async fn sec_147_a_locked_database_is_503_in_time_and_spends_no_link() {
    let app = mail_app().await;
    let mut scenes = Vec::new();
    for (number, path) in FLOWS.into_iter().enumerate() {
        scenes.push(Scene::new(&app, path, number).await);
    }
    let mut thief = app.db.seize().await;
    let asked = scenes
        .iter()
        .map(|scene| tokio::time::timeout(PATIENCE, scene.ask()));
    for (answer, scene) in join_all(asked).await.into_iter().zip(&scenes) {
        let answer = answer.unwrap_or_else(|_| panic!("{} takes too long", scene.path));
        let code = answer.code();
        assert_eq!(
            (answer.status.as_u16(), code.as_str()),
            (503, "unavailable"),
            "{}",
            scene.path
        );
        assert!(answer.header("retry-after").is_some(), "{}", scene.path);
    }
    thief.run("ROLLBACK").await;
    drop(thief);

    for scene in &scenes {
        assert!(!scene.is_whole_or_nothing(&app, "while it was locked").await);
        scene.completes(&app, false).await;
    }
}

/// Polls `future` at most `polls` times and drops it then. Whether it completed.
async fn cut_after(polls: usize, future: impl Future) -> bool {
    let (mut future, mut left) = (pin!(future), polls);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending => {
            left -= 1;
            if left == 0 {
                Poll::Ready(false)
            } else {
                Poll::Pending
            }
        }
    })
    .await
}

/// Until everything that runs in the background has ended; each of the two pools keeps a task.
async fn settle(app: &MailApp<MailAuth>) {
    let runtime = tokio::runtime::Handle::current();
    while runtime.metrics().num_alive_tasks() > 2 || hashing(&app.auth) != (0, 0) {
        tokio::task::yield_now().await;
    }
}

/// Cuts the request after 1, 2, 3, … polls, until it has completed eight times in a row.
async fn at_every_await(path: &'static str) {
    let app = mail_app().await;
    let (mut cuts, mut completed, mut polls) = (0, 0, 1);
    for number in 1..500 {
        let scene = Scene::new(&app, path, number).await;
        settle(&app).await;
        let request = scene
            .client
            .request(Method::POST, path)
            .header("content-type", JSON);
        let request = request.body(Body::from(scene.body.to_string())).unwrap();
        let done = cut_after(polls, app.router.clone().oneshot(request)).await;
        settle(&app).await;
        let happened = scene
            .is_whole_or_nothing(&app, &format!("after {polls} polls"))
            .await;
        assert!(happened || !done, "{path} after {polls} polls");
        let pending = "SELECT count(*) FROM auth_attempts WHERE pending <> 0";
        assert_eq!(app.count(pending).await, 0, "{path} after {polls} polls");
        scene.completes(&app, happened).await;
        completed = if done { completed + 1 } else { 0 };
        cuts += usize::from(!done);
        if completed >= 8 && cuts > 0 {
            return;
        }
        // Where the server runs before we do, its answer may be there before it is waited for: then the first instant is tried again.
        polls += usize::from(cuts > 0);
    }
    panic!("{path} never completes, or was never cut");
}

#[tokio::test]
async fn sec_152_asking_for_a_link() {
    for path in &FLOWS[..3] {
        at_every_await(path).await;
    }
}

#[tokio::test]
async fn sec_152_proving_an_address() {
    at_every_await(FLOWS[3]).await;
}

#[tokio::test]
async fn sec_152_resetting_the_password() {
    at_every_await(FLOWS[4]).await;
}

#[tokio::test]
async fn sec_152_moving_to_another_address() {
    at_every_await(FLOWS[5]).await;
}

#[tokio::test]
async fn sec_152_taking_a_move_back() {
    at_every_await(FLOWS[6]).await;
}
