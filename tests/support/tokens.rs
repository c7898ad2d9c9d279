//! An application that is signed in to by cookie and by token, with the same handlers behind both. A test file that uses it
//! declares `#[path = "support/tokens.rs"] mod tokens;` beside `mod support;`.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "shared by test binaries that each use a part"
)]

use axum::Json;
use axum::body::Body;
use axum::http::Method;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use crudauth::testing::{Clock, TestBuilder};
use crudauth::{Principal, auth, require};
use serde_json::{Value, json};

use crate::support::{Answer, Client, Db, FORM, JSON, PASSWORD, SECRET, TempDb, User, encode};

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[bearer(
        refresh(deliver = "body"),
        scopes(default("read"), grantable("read", "reports:read")),
        revocation,
        introspection,
    )]
    pub struct Both<User>;
}

auth! {
    #[database(sqlite, postgres)]
    #[bearer(scopes(default("read"), grantable("read", "reports:read")))]
    pub struct Cookie<User>;
}

#[require]
pub async fn dashboard(user: Principal<Both>) -> Json<Value> {
    Json(json!({ "id": user.id, "via": user.transport() }))
}

#[require(scope("reports:read"))]
pub async fn reports(user: Principal<Both>) -> Json<Value> {
    Json(json!({ "id": user.id, "scopes": user.scopes() }))
}

#[require(transport(bearer))]
pub async fn machines(user: Principal<Both>) -> Json<Value> {
    Json(json!({ "id": user.id }))
}

pub async fn maybe(user: Option<Principal<Both>>) -> Json<Value> {
    Json(json!({ "id": user.map(|user| user.id) }))
}

/// The application, its clock, and a pool of the test's own beside it.
#[derive(Debug)]
pub struct App {
    pub auth: Both,
    pub clock: Clock,
    pub db: Db,
    pub router: axum::Router,
    pub file: TempDb,
}

/// Starts it, on a pool of five.
pub async fn app() -> App {
    app_with(5).await
}

pub async fn app_with(connections: u32) -> App {
    let (file, pool) = crate::support::database(connections).await;
    over(file, pool, Clock::manual()).await
}

/// A second one on the same database: another process.
pub async fn over(file: TempDb, pool: Db, clock: Clock) -> App {
    let auth = Both::builder(pool)
        .secret(SECRET)
        .clock(clock.clone())
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    let db = crate::support::pool(&file.url(), 2).await;
    let router = routes(&auth);
    App {
        auth,
        clock,
        db,
        router,
        file,
    }
}

pub fn routes(auth: &Both) -> axum::Router {
    use crudauth::routing::{Router, get};
    Router::new()
        .route("/dashboard", get(dashboard).post(dashboard))
        .route("/reports", get(reports))
        .route("/machines", get(machines))
        .route("/maybe", get(maybe))
        .mount(auth)
        .with_state(auth.clone())
        .into_axum()
}

/// A pair of tokens as a program keeps it.
#[derive(Debug, Clone)]
pub struct Pair {
    pub access: String,
    pub refresh: String,
}

impl Pair {
    pub fn of(answer: &Answer) -> Self {
        let text = |name: &str| answer.json()[name].as_str().unwrap_or_default().to_owned();
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }
}

impl App {
    pub fn client(&self) -> Client {
        Client::new(self.router.clone())
    }

    /// A registered account; its id.
    pub async fn register(&self, name: &str) -> i64 {
        let client = self.client().from(&crate::support::fresh_address());
        let body = json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD });
        let answer = client.post_json("/register", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["id"].as_i64().unwrap()
    }

    /// A browser signed in to that account.
    pub async fn signed_in(&self, name: &str) -> Client {
        let mut client = self.client();
        let answer = client.login(name, PASSWORD).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        client
    }

    /// What `/token` answers.
    pub async fn token(&self, name: &str, password: &str, more: &str) -> Answer {
        token(&self.client(), name, password, more).await
    }

    /// A program signed in to that account.
    pub async fn pair(&self, name: &str) -> Pair {
        self.pair_with(name, "").await
    }

    pub async fn pair_with(&self, name: &str, more: &str) -> Pair {
        let answer = self.token(name, PASSWORD, more).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        Pair::of(&answer)
    }

    /// What `/refresh` answers to a token in the body.
    pub async fn refresh(&self, token: &str) -> Answer {
        refresh(&self.client(), token).await
    }

    /// What `GET path` answers under an access token.
    pub async fn get(&self, path: &str, access: &str) -> Answer {
        send(&self.client(), Method::GET, path, access, None).await
    }

    /// What `POST path` answers to a form under an access token.
    pub async fn post_form(&self, path: &str, access: &str, form: &str) -> Answer {
        send(
            &self.client(),
            Method::POST,
            path,
            access,
            Some((FORM, form.to_owned())),
        )
        .await
    }

    pub async fn post_json(&self, path: &str, access: &str, body: &Value) -> Answer {
        send(
            &self.client(),
            Method::POST,
            path,
            access,
            Some((JSON, body.to_string())),
        )
        .await
    }

    pub async fn families(&self) -> i64 {
        self.db
            .count("SELECT COUNT(*) FROM auth_refresh_tokens")
            .await
    }
}

pub async fn token(client: &Client, name: &str, password: &str, more: &str) -> Answer {
    let body = format!(
        "username={}&password={}{more}",
        encode(name),
        encode(password)
    );
    client.post_body("/token", FORM, body).await
}

/// What `/refresh` answers to a token in the body.
pub async fn refresh(client: &Client, token: &str) -> Answer {
    let body = json!({ "refresh_token": token });
    client.post_json("/refresh", &body).await
}

/// What `/me` answers to an access token.
pub async fn me(client: &Client, access: &str) -> Answer {
    send(client, Method::GET, "/me", access, None).await
}

/// A request under an access token.
pub async fn send(
    client: &Client,
    method: Method,
    path: &str,
    access: &str,
    body: Option<(&str, String)>,
) -> Answer {
    let request = client
        .request(method, path)
        .header(AUTHORIZATION, format!("Bearer {access}"));
    let request = match body {
        Some((kind, body)) => request.header(CONTENT_TYPE, kind).body(Body::from(body)),
        None => request.body(Body::empty()),
    };
    client.send(request.unwrap()).await
}
