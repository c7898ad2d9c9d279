//! An application of server-rendered pages.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    reason = "shared by test binaries that each use a part"
)]

use axum::Form;
use axum::body::Body;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::response::Redirect;
use crudauth::routing::{Router, post};
use crudauth::session::forms::read_ahead;
use crudauth::testing::TestBuilder as _;
use crudauth::{Principal, auth, public, require};
use serde::Deserialize;

use crate::support::{Answer, Client, FORM, PASSWORD, SECRET, TempDb, User, encode};

auth! {
    #[database(sqlite, postgres)]
    #[session(csrf_field = "csrf_token", management)]
    pub struct Pages<User>;
}

#[derive(Deserialize)]
struct Note {
    text: String,
}

#[require]
async fn note(user: Principal<Pages>, Form(note): Form<Note>) -> String {
    format!("{} wrote {}", user.username, note.text)
}

#[require]
async fn moved(_: Principal<Pages>) -> Redirect {
    Redirect::to("/notes/1")
}

#[public]
async fn club(Form(note): Form<Note>) -> String {
    note.text
}

/// The application, with pages of its own that read forms ahead, and one that does not.
pub async fn start() -> (TempDb, Client) {
    let file = TempDb::new();
    let auth = Pages::connect(file.url())
        .secret(SECRET)
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    let pages = Router::new()
        .route("/note", post(note))
        .route("/moved", post(moved))
        .route("/club/register", post(club))
        .layer(from_fn_with_state(auth.clone(), read_ahead::<Pages>));
    let router = Router::new()
        .merge(pages)
        .route("/bare-note", post(note))
        .mount(&auth)
        .with_state(auth);
    (file, Client::new(router.into_axum()))
}

/// What a browser sends when a form is submitted.
pub async fn submit(client: &Client, path: &str, fields: &[(&str, &str)]) -> Answer {
    let body: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    let request = client
        .request(Method::POST, path)
        .header("content-type", FORM)
        .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    client
        .send(request.body(Body::from(body.join("&"))).unwrap())
        .await
}

pub const REGISTER: &[(&str, &str)] = &[
    ("email", "ada@example.com"),
    ("username", "ada"),
    ("password", PASSWORD),
];
pub const LOGIN: &[(&str, &str)] = &[("username", "ada"), ("password", PASSWORD)];

/// `ada`, signed in by forms alone; the token as the page would show it.
pub async fn signed_in() -> (TempDb, Client, String) {
    let (file, mut client) = start().await;
    assert_eq!(submit(&client, "/register", REGISTER).await.status, 200);
    let answer = submit(&client, "/login", LOGIN).await;
    client.keep(&answer);
    let token = client.csrf.take().unwrap();
    (file, client, token)
}

pub fn location(answer: &Answer) -> (u16, &str) {
    (
        answer.status.as_u16(),
        answer.header("location").unwrap_or("nowhere"),
    )
}
