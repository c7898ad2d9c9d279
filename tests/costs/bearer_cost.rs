//! What a request under a token costs the database, and what `check = "stateless"` gives up.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use crudauth::bearer::AccessToken;
use crudauth::routing::{Router, get};
use crudauth::testing::{Clock, TestBuilder};
use crudauth::{Principal, auth, require, resolve_principal};
use serde_json::{Value, json};

use crate::custom;
use crate::statements::Log;
use crate::support::{self, Client, PASSWORD, SECRET, TempDb, User};
use crate::tokens;
use crate::tokens::{App, Both, Pair, app_with, token};

auth! {
    #[database(sqlite, postgres)]
    #[bearer(
        check = "stateless",
        scopes(default("read"), grantable("read", "reports:read")),
    )]
    pub struct Alone<User>;
}

auth! {
    #[database(sqlite, postgres)]
    #[bearer(refresh = "off")]
    pub struct Short<User>;
}

async fn stateless(token: AccessToken<Alone>) -> Json<Value> {
    Json(json!({ "id": token.user_id(), "scopes": token.scopes() }))
}

#[require(scope("reports:read"))]
async fn stateless_reports(token: AccessToken<Alone>) -> Json<Value> {
    Json(json!({ "id": token.user_id() }))
}

#[require]
async fn asked(user: Principal<Alone>) -> Json<Value> {
    Json(json!({ "id": user.id }))
}

#[require(transport(bearer))]
async fn many(
    first: Principal<Both>,
    second: Principal<Both>,
    third: Option<Principal<Both>>,
) -> String {
    format!("{}{}{}", first.id, second.id, third.is_some())
}

/// What the database was asked during `$work`, over the only connection of the application's pool.
macro_rules! during {
    ($log:expr, $app:expr, $work:expr) => {{
        let mark = || async {
            $app.auth.users().find(&-1).await.unwrap();
        };
        $log.during(mark, $work).await
    }};
}

fn but_transactions(asked: &[String]) -> usize {
    asked
        .iter()
        .filter(|statement| !statement.starts_with("BEGIN"))
        .count()
}

/// One account, one program, over a pool of one, and the statements of it.
async fn watched() -> (Log, App, Pair) {
    let log = Log::open().await;
    let app = app_with(1).await;
    app.register("ada").await;
    let pair = app.pair_with("ada", "&scope=read+reports:read").await;
    (log, app, pair)
}

/// The account and the family of its token, in one statement.
#[tokio::test]
async fn a_request_under_a_token_asks_one_statement_and_writes_nothing() {
    let (log, app, pair) = watched().await;
    for path in ["/me", "/dashboard", "/maybe", "/reports", "/machines"] {
        let work = app.get(path, &pair.access);
        let (answer, asked) = during!(log, app, work);
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(asked.len(), 1, "{path}: {asked:?}");
        assert!(
            asked[0].starts_with("SELECT") && asked[0].contains("JOIN"),
            "{asked:?}"
        );
    }
    // Nobody is asked about what does not verify, or is over by itself.
    let renewed = app.refresh(&pair.refresh).await;
    assert_eq!(renewed.status, 200);
    app.clock.advance(Duration::from_mins(16));
    let tampered = format!("{}x", pair.access);
    for token in [pair.access.as_str(), &tampered, "x.y.z", ""] {
        let (answer, asked) = during!(log, app, app.get("/me", token));
        assert_eq!((answer.status.as_u16(), asked.len()), (401, 0), "{asked:?}");
    }
}

#[tokio::test]
async fn signing_in_and_renewing_keep_to_their_statements() {
    let (log, app, pair) = watched().await;
    let work = app.token("ada", PASSWORD, "");
    let (answer, asked) = during!(log, app, work);
    assert_eq!(answer.status, 200);
    assert!(but_transactions(&asked) <= 5, "{asked:#?}");
    let (answer, asked) = during!(log, app, app.refresh(&pair.refresh));
    assert_eq!(answer.status, 200);
    assert!(asked.len() <= 2, "{asked:#?}");
    for dead in ["x".repeat(72), pair.access] {
        let (answer, asked) = during!(log, app, app.refresh(&dead));
        assert_eq!((answer.status.as_u16(), asked.len()), (401, 0), "{asked:?}");
    }
}

#[tokio::test]
async fn a_token_without_a_family_asks_for_its_account_alone() {
    let log = Log::open().await;
    let app = custom!(Short, 1);
    app.register("ada").await;
    let access = Pair::of(&token(&app.client(), "ada", PASSWORD, "").await).access;
    let client = app.client();
    let work = tokens::send(&client, Method::GET, "/me", &access, None);
    // The usual mark would be the statement that is looked for.
    let mark = || async {
        let found = app.auth.users().find_by_username("nobody").await;
        assert!(found.unwrap().is_none());
    };
    let (answer, asked) = log.during(mark, work).await;
    assert_eq!((answer.status.as_u16(), asked.len()), (200, 1), "{asked:?}");
    assert!(!asked[0].contains("auth_refresh_tokens"), "{asked:?}");
}

#[tokio::test]
async fn guards_extractors_and_middleware_share_one_look_at_a_token() {
    let (log, app, pair) = watched().await;
    let resolve = async |State(auth): State<Both>, request: axum::extract::Request, next: Next| {
        let (mut parts, body) = request.into_parts();
        for _ in 0..3 {
            let found = resolve_principal(&auth, &mut parts).await.unwrap();
            assert!(found.is_some());
        }
        next.run(axum::extract::Request::from_parts(parts, body))
            .await
    };
    let router = Router::new()
        .route("/many", get(many))
        .with_state(app.auth.clone())
        .into_axum();
    let router: axum::Router = router.layer(from_fn_with_state(app.auth.clone(), resolve));
    let client = Client::new(router);
    let work = tokens::send(&client, Method::GET, "/many", &pair.access, None);
    let (answer, asked) = during!(log, app, work);
    assert_eq!(answer.text, "11true");
    assert_eq!(asked.len(), 1, "{asked:?}");
}

/// The application whose tokens answer by themselves.
struct Stateless {
    auth: Alone,
    clock: Clock,
    client: Client,
    id: i64,
    _file: TempDb,
}

async fn alone() -> Stateless {
    let (file, pool) = support::database(1).await;
    let clock = Clock::manual();
    let auth = Alone::builder(pool)
        .secret(SECRET)
        .clock(clock.clone())
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    let router = Router::new()
        .route("/alone", get(stateless))
        .route("/reports", get(stateless_reports))
        .route("/asked", get(asked))
        .mount(&auth)
        .with_state(auth.clone())
        .into_axum();
    let client = Client::new(router);
    let body = json!({ "email": "ada@example.com", "username": "ada", "password": PASSWORD });
    let answer = client.post_json("/register", &body).await;
    let id = answer.json()["id"].as_i64().unwrap();
    Stateless {
        auth,
        clock,
        client,
        id,
        _file: file,
    }
}

impl Stateless {
    async fn get(&self, path: &str, access: &str) -> support::Answer {
        tokens::send(&self.client, Method::GET, path, access, None).await
    }
}

#[tokio::test]
async fn a_stateless_token_answers_without_a_statement() {
    let log = Log::open().await;
    let app = alone().await;
    let access = Pair::of(&token(&app.client, "ada", PASSWORD, "").await).access;
    let more = "&scope=reports:read";
    let reports = Pair::of(&token(&app.client, "ada", PASSWORD, more).await).access;
    let tampered = format!("{access}x");
    for (path, token, wanted) in [
        ("/alone", access.as_str(), ""),
        ("/reports", &reports, ""),
        ("/reports", &access, "insufficient_scope"),
        ("/alone", &tampered, "invalid_token"),
        ("/alone", "", "invalid_token"),
    ] {
        let (answer, asked) = during!(log, app, app.get(path, token));
        assert_eq!(answer.code(), wanted, "{path}");
        assert!(asked.is_empty(), "{path}: {asked:?}");
    }
    let answer = app.get("/alone", &access).await;
    assert_eq!(answer.json(), json!({ "id": app.id, "scopes": ["read"] }));
    let (nobody, asked) = during!(log, app, app.client.get("/alone"));
    assert_eq!(
        (nobody.code().as_str(), asked.len()),
        ("not_authenticated", 0)
    );
    assert_eq!(nobody.header("www-authenticate"), Some("Bearer"));
    // Beside it, a handler that takes the account still asks for it.
    let (_, asked) = during!(log, app, app.get("/asked", &access));
    assert_eq!(asked.len(), 1, "{asked:?}");
    let loosened = app.auth.routes().to_string();
    assert!(
        loosened.contains("loosened: check = \"stateless\""),
        "{loosened}"
    );
}

/// SEC-076, given up where the block says so: nothing but its time ends such a token.
#[tokio::test]
async fn a_stateless_token_dies_of_its_age_alone() {
    let _turn = Log::open().await;
    let app = alone().await;
    let answer = token(&app.client, "ada", PASSWORD, "").await;
    let access = Pair::of(&answer).access;
    app.auth.tokens().revoke_all(&app.id).await.unwrap();
    app.auth.users().disable(&app.id).await.unwrap();
    assert_eq!(app.get("/alone", &access).await.status, 200);
    assert_eq!(app.get("/asked", &access).await.code(), "not_authenticated");
    app.clock.advance(Duration::from_secs(900 + 29));
    assert_eq!(app.get("/alone", &access).await.status, 200);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(app.get("/alone", &access).await.code(), "not_authenticated");
}
