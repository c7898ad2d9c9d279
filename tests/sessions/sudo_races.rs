//! A proof is held at every await point while something else ends what it is about: the session that has ended is not elevated,
//! and no proof of a former password counts.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use axum::body::Body;
use axum::http::Method;
use axum::response::Response;
use crudauth::auth;
use serde_json::json;
use tower::ServiceExt;

use crate::custom;
use crate::support::{Client, Custom, JSON, PASSWORD, User};

const NEW: &str = "another good password";

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[sudo(route)]
    struct Auth<User>;
}

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

/// Until what the held flow has set going by itself has ended: then the flow stands still, for nobody polls it.
async fn settle() {
    let runtime = tokio::runtime::Handle::current();
    while runtime.metrics().num_alive_tasks() > 2 {
        tokio::task::yield_now().await; // each of the two pools keeps a task for its idle connections
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Other {
    SignsOut,
    Revokes,
    ChangesPassword,
    Disables,
}

async fn run(app: &Custom<Auth>, other: Other, ada: &Client, id: i64) {
    match other {
        Other::SignsOut => assert_eq!(ada.post("/logout").await.status, 200),
        Other::Revokes => {
            app.auth.sessions().revoke_all(&id).await.unwrap();
        }
        Other::ChangesPassword => {
            let body = json!({ "current_password": PASSWORD, "new_password": NEW });
            let answer = ada.post_json("/change-password", &body).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
        Other::Disables => assert!(app.auth.users().disable(&id).await.unwrap()),
    }
}

#[tokio::test]
async fn sec_122_no_proof_that_meets_an_end_leaves_an_elevation() {
    let app = custom!(Auth);
    for other in [
        Other::SignsOut,
        Other::Revokes,
        Other::ChangesPassword,
        Other::Disables,
    ] {
        let (mut held, mut refused, mut completed, mut polls) = (0, 0, 0, 0);
        for _ in 1..1000 {
            // Whether it comes between depends on how fast the database's thread answers: swept again, until it has.
            polls = if completed >= 4 { 1 } else { polls + 1 };
            let name = format!("{other:?}{polls}").to_lowercase();
            let id = app.register(&name).await;
            let ada = app.signed_in(&name).await;
            let request = ada
                .request(Method::POST, "/sudo")
                .header("content-type", JSON);
            let body = Body::from(json!({ "password": PASSWORD }).to_string());
            let (router, request) = (app.router.clone(), request.body(body).unwrap());
            let mut flow: Flow = Box::pin(async move { router.oneshot(request).await.unwrap() });
            let early = hold_after(polls, &mut flow).await;
            completed = if early.is_some() { completed + 1 } else { 0 };
            held += usize::from(early.is_none());
            settle().await;
            run(&app, other, &ada, id).await;
            let response = match early {
                Some(response) => response,
                None => flow.await,
            };
            let status = response.status().as_u16();
            assert!(matches!(status, 200 | 401 | 403), "{other:?}: {status}");
            refused += usize::from(status == 403);
            let left = app.count("SELECT count(*) FROM auth_elevations").await;
            assert_eq!(left, 0, "{other:?} after {polls} polls: {status}");
            app.auth.users().delete(&id).await.unwrap();
            if completed >= 4 && held > 0 && refused > 0 {
                break;
            }
        }
        assert!(completed >= 4 && held > 0, "{other:?}: held {held} times");
        assert!(refused > 0, "{other:?}: it never came between");
    }
}
