//! One flow is held at every await point while another runs whole (design §8): nothing that the other one ended may
//! come out of the first.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use axum::response::Response;
use serde_json::json;
use tower::ServiceExt;

use crate::support::{Answer, Client, FORM, JSON, PASSWORD, TestApp, encode, fresh_address};

const NEW: &str = "another good password";
const THIRD: &str = "the thief's own words";

type Flow = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Polls `polls` times; the answer if that was enough.
async fn hold_after(polls: usize, flow: &mut Flow) -> Option<Response> {
    let mut left = polls;
    poll_fn(|cx| match flow.as_mut().poll(cx) {
        Poll::Ready(response) => Poll::Ready(Some(response)),
        Poll::Pending => {
            left -= 1;
            if left == 0 {
                Poll::Ready(None)
            } else {
                Poll::Pending
            }
        }
    })
    .await
}

async fn read(response: Response) -> Answer {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, 1 << 20).await.unwrap();
    Answer {
        status: parts.status,
        headers: parts.headers,
        text: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

#[derive(Debug, Clone, Copy)]
enum Other {
    ChangesPassword,
    Deletes,
    Disables,
    EndsAll,
}

struct Scene {
    name: String,
    id: i64,
    owner: Client,
}

impl Scene {
    async fn new(app: &TestApp, number: usize) -> Self {
        let name = format!("user{number}");
        let id = app.register(&name).await;
        let owner = app.signed_in(&name).await;
        Self { name, id, owner }
    }

    async fn run(&self, app: &TestApp, other: Other) {
        match other {
            Other::ChangesPassword => {
                let body = json!({ "current_password": PASSWORD, "new_password": NEW });
                let answer = self.owner.post_json("/change-password", &body).await;
                assert!(
                    answer.status == 200 || answer.status == 401,
                    "{}",
                    answer.text
                );
            }
            Other::Deletes => assert!(app.auth.users().delete(&self.id).await.unwrap()),
            Other::Disables => assert!(app.auth.users().disable(&self.id).await.unwrap()),
            Other::EndsAll => {
                let answer = self.owner.post("/logout-all?keep_current=true").await;
                assert!(
                    answer.status == 200 || answer.status == 401,
                    "{}",
                    answer.text
                );
            }
        }
    }
}

/// Until what the held flow has set going by itself has ended: then the flow stands still, for nobody polls it.
async fn settle() {
    let runtime = tokio::runtime::Handle::current();
    while runtime.metrics().num_alive_tasks() > 2 {
        tokio::task::yield_now().await; // each of the two pools keeps a task for its idle connections
    }
}

/// Holds what `make` gives after 1, 2, 3, … polls while `other` runs; `check` judges what came of it.
async fn at_every_await(
    app: &TestApp,
    other: Other,
    mut make: impl AsyncFnMut(&Scene) -> (Client, Request<Body>),
    mut check: impl AsyncFnMut(&Scene, Client, Answer),
) {
    let (mut held, mut completed) = (0, 0);
    for polls in 1..200 {
        let scene = Scene::new(app, polls).await;
        let (client, request) = make(&scene).await;
        let router = app.router.clone();
        let mut flow: Flow = Box::pin(async move { router.oneshot(request).await.unwrap() });
        let early = hold_after(polls, &mut flow).await;
        completed = if early.is_some() { completed + 1 } else { 0 };
        held += usize::from(early.is_none());
        settle().await;
        scene.run(app, other).await;
        let answer = match early {
            Some(response) => response,
            None => flow.await,
        };
        check(&scene, client, read(answer).await).await;
        app.auth.users().delete(&scene.id).await.unwrap();
        if completed == 8 {
            assert!(held > 0, "it was never held");
            return;
        }
    }
    panic!("the flow never completes");
}

/// A sign-in with the password that was right when it began.
fn sign_in(app: &TestApp, scene: &Scene) -> (Client, Request<Body>) {
    let client = app.client().from(&fresh_address());
    let body = format!("username={}&password={}", scene.name, encode(PASSWORD));
    let request = client
        .request(Method::POST, "/login")
        .header("content-type", FORM)
        .body(body.into())
        .unwrap();
    (client, request)
}

#[tokio::test]
async fn sec_050_a_sign_in_around_a_change_of_password_is_evicted_or_refused() {
    let app = TestApp::start().await;
    at_every_await(
        &app,
        Other::ChangesPassword,
        async |scene| sign_in(&app, scene),
        async |scene, mut client, answer| {
            client.keep(&answer);
            assert!(
                answer.status == 200 || answer.status == 401,
                "{}",
                answer.text
            );
            assert_eq!(
                client.get("/me").await.status,
                401,
                "the old password opens nothing any more"
            );
            assert_eq!(
                scene.owner.get("/me").await.status,
                200,
                "whoever changed it stays"
            );
        },
    )
    .await;
}

#[tokio::test]
async fn sec_050_a_sign_in_around_a_disabling_is_dead_after_enabling_too() {
    let app = TestApp::start().await;
    at_every_await(
        &app,
        Other::Disables,
        async |scene| sign_in(&app, scene),
        async |scene, mut client, answer| {
            client.keep(&answer);
            assert_eq!(client.get("/me").await.status, 401);
            app.auth.users().enable(&scene.id).await.unwrap();
            assert_eq!(
                client.get("/me").await.status,
                401,
                "enabling brings nothing back"
            );
            assert_eq!(scene.owner.get("/me").await.status, 401);
        },
    )
    .await;
}

#[tokio::test]
async fn sec_159_a_sign_in_around_a_deletion_leaves_nothing() {
    let app = TestApp::start().await;
    at_every_await(
        &app,
        Other::Deletes,
        async |scene| sign_in(&app, scene),
        async |_, mut client, answer| {
            client.keep(&answer);
            assert!(
                answer.status == 200 || answer.status == 401,
                "{}",
                answer.text
            );
            assert_eq!(client.get("/me").await.status, 401);
            assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 0);
        },
    )
    .await;
}

/// A thief with a session who knows the password changes it, around what the owner does.
async fn takeover(app: &TestApp, scene: &Scene) -> (Client, Request<Body>) {
    let thief = app.signed_in(&scene.name).await;
    let body = json!({ "current_password": PASSWORD, "new_password": THIRD }).to_string();
    let request = thief
        .request(Method::POST, "/change-password")
        .header("content-type", JSON)
        .body(body.into())
        .unwrap();
    (thief, request)
}

#[tokio::test]
async fn sec_050_of_two_changes_around_each_other_exactly_one_holds() {
    let app = TestApp::start().await;
    at_every_await(
        &app,
        Other::ChangesPassword,
        async |scene| takeover(&app, scene).await,
        async |scene, thief, answer| {
            let (owner, thief) = (
                scene.owner.get("/me").await.status,
                thief.get("/me").await.status,
            );
            let works = async |password| {
                app.client()
                    .from(&fresh_address())
                    .login(&scene.name, password)
                    .await
                    .status
                    == 200
            };
            let passwords = (works(NEW).await, works(THIRD).await, works(PASSWORD).await);
            if answer.status == 200 {
                assert_eq!((owner.as_u16(), thief.as_u16()), (401, 200));
                assert_eq!(passwords, (false, true, false));
            } else {
                assert_eq!(answer.status, 401, "{}", answer.text);
                assert_eq!((owner.as_u16(), thief.as_u16()), (200, 401));
                assert_eq!(passwords, (true, false, false));
            }
        },
    )
    .await;
}

#[tokio::test]
async fn sec_050_a_change_around_a_disabling_or_an_eviction_revives_no_session() {
    for other in [Other::Disables, Other::EndsAll] {
        let app = TestApp::start().await;
        at_every_await(
            &app,
            other,
            async |scene| takeover(&app, scene).await,
            async |scene, thief, answer| {
                assert!(
                    [200, 401].contains(&answer.status.as_u16()),
                    "{}",
                    answer.text
                );
                app.auth.users().enable(&scene.id).await.unwrap();
                if matches!(other, Other::Disables) {
                    assert_eq!(thief.get("/me").await.status, 401);
                    assert_eq!(scene.owner.get("/me").await.status, 401);
                } else {
                    // Whoever came first evicted the other, who then changed nothing.
                    let live = [
                        thief.get("/me").await.status,
                        scene.owner.get("/me").await.status,
                    ];
                    assert!(
                        live.iter().filter(|status| **status == 200).count() == 1,
                        "{live:?}"
                    );
                }
            },
        )
        .await;
    }
}
