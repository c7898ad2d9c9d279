//! What a request costs the database, counted on the real one.

use std::time::Duration;

use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use crudauth::__private::{IntoStore, Timestamp};
use crudauth::routing::{Router, get};
use crudauth::{Principal, require, resolve_principal};
use crudauth_runtime::store::NewFamily;

use crate::statements::{Log, Watched};
use crate::support::{self, Auth, Client};

fn touches_sessions(statement: &str) -> bool {
    statement.contains("auth_sessions")
}

#[expect(clippy::unused_async, reason = "`check` takes functions of both kinds")]
async fn even(principal: &Principal<Auth>) -> bool {
    principal.is_active
}

#[require(verified, check(even))]
async fn many(
    first: Principal<Auth>,
    second: Principal<Auth>,
    third: Option<Principal<Auth>>,
) -> String {
    format!("{}{}{}", first.id, second.id, third.is_some())
}

#[tokio::test]
async fn a_guarded_request_asks_one_statement_and_writes_nothing() {
    let watched = Watched::start().await;
    watched.app.register("ada").await;
    let client = watched.app.signed_in("ada").await;
    for path in ["/me", "/dashboard", "/maybe", "/admin"] {
        let (_, asked) = watched.during(client.get(path)).await;
        assert_eq!(asked.len(), 1, "{path}: {asked:?}");
        assert!(
            asked[0].starts_with("SELECT") && asked[0].contains("JOIN"),
            "{asked:?}"
        );
    }
    watched.app.clock.advance(Duration::from_mins(1));
    let (_, asked) = watched.during(client.get("/me")).await;
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked[1].starts_with("UPDATE"), "{asked:?}");
}

#[tokio::test]
async fn a_request_without_a_session_asks_nothing() {
    let watched = Watched::start().await;
    let mut client = watched.app.client();
    for planted in [None, Some("short".to_owned()), Some("A".repeat(44))] {
        client.cookies = planted
            .into_iter()
            .map(|value| ("session_id".to_owned(), value))
            .collect();
        let (answer, asked) = watched.during(client.get("/me")).await;
        assert_eq!((answer.status.as_u16(), asked.len()), (401, 0), "{asked:?}");
    }
}

#[tokio::test]
async fn guards_extractors_and_middleware_share_one_resolution() {
    let watched = Watched::start().await;
    let id = watched.app.register("ada").await;
    watched
        .app
        .auth
        .users()
        .set_verified(&id, true)
        .await
        .unwrap();
    let auth = watched.app.auth.clone();
    let resolve = async |axum::extract::State(auth): axum::extract::State<Auth>,
                         request: axum::extract::Request,
                         next: Next| {
        let (mut parts, body) = request.into_parts();
        for _ in 0..3 {
            assert!(
                resolve_principal(&auth, &mut parts)
                    .await
                    .unwrap()
                    .is_some()
            );
        }
        next.run(axum::extract::Request::from_parts(parts, body))
            .await
    };
    let router = Router::new()
        .route("/many", get(many))
        .with_state(auth.clone())
        .into_axum();
    let router: axum::Router = router.layer(from_fn_with_state(auth, resolve));
    let mut client = Client::new(router);
    client.cookies = watched.app.signed_in("ada").await.cookies;

    let (answer, asked) = watched.during(client.get("/many")).await;

    assert_eq!(answer.text, format!("{id}{id}true"));
    assert_eq!(asked.len(), 1, "{asked:?}");
}

#[tokio::test]
async fn sec_056_no_statement_about_sessions_scans_a_table() {
    let watched = Watched::start().await;
    let app = &watched.app;
    app.register("ada").await;
    let use_everything = async {
        let (first, second) = (app.signed_in("ada").await, app.signed_in("ada").await);
        app.clock.advance(Duration::from_secs(61));
        first.get("/me").await;
        let listed = first.get("/sessions").await.json();
        let other = listed
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["current"] == false)
            .unwrap();
        first
            .delete(&format!("/sessions/{}", other["id"].as_str().unwrap()))
            .await;
        drop(second);
        let mut lost = first.clone();
        lost.cookies.remove("csrf_token");
        lost.post("/csrf/refresh").await;
        lost.post("/logout-all?keep_current=1").await;
        let token = lost
            .send(
                lost.request(Method::POST, "/csrf/refresh")
                    .body(axum::body::Body::empty())
                    .unwrap(),
            )
            .await;
        lost.keep(&token);
        assert_eq!(lost.post("/logout").await.status, 200);
        app.auth.sessions().sweep().await.unwrap();
    };
    let ((), asked) = watched.during(use_everything).await;
    let mut about: Vec<_> = asked
        .into_iter()
        .filter(|statement| touches_sessions(statement))
        .collect();
    about.sort();
    about.dedup();
    assert!(about.len() >= 8, "{about:?}");
    for statement in about {
        let scans = app.db.full_scans(&statement).await;
        assert!(scans.is_empty(), "{statement}: {scans:?}");
    }
}

#[tokio::test]
async fn sec_056_no_statement_about_refresh_families_scans_a_table() {
    let log = Log::open().await;
    let (_file, db) = support::database(1).await;
    let store = IntoStore::<Auth>::into_store(db.clone());
    store.migrate().await.unwrap();
    let (now, secret) = (Timestamp::from_micros(1), [0; 32]);
    let use_everything = async {
        let new = NewFamily {
            id: "one",
            user: &1,
            secret,
            token_version: 0,
            scopes: "",
            now,
            expires_at: now,
            code: None,
            attempt: None,
            clear_address: false,
        };
        store.open_family(new).await.unwrap();
        store.family("one").await.unwrap();
        store.by_family("one", now).await.unwrap();
        store.rotate("one", 0, &secret, now).await.unwrap();
        store.end_family("one", None).await.unwrap();
        store.end_family("one", Some(&1)).await.unwrap();
        store.end_families(&1, now).await.unwrap();
        store.sweep(now, 1).await.unwrap();
    };
    let mark = async || db.run("SELECT 'marker'").await;
    let ((), asked) = log.during(mark, use_everything).await;
    let about: Vec<_> = asked
        .into_iter()
        .filter(|statement| statement.contains("auth_refresh_tokens"))
        .collect();
    assert_eq!(about.len(), 9, "{about:?}");
    for statement in about {
        let scans = db.full_scans(&statement).await;
        assert!(scans.is_empty(), "{statement}: {scans:?}");
    }
}

#[require(transport(session))]
async fn named(
    _first: Principal<Auth>,
    second: Principal<Auth>,
    _third: Option<Principal<Auth>>,
) -> String {
    second.id.to_string()
}

#[tokio::test]
async fn a_guard_that_names_its_transport_shares_the_resolution_too() {
    let watched = Watched::start().await;
    let id = watched.app.register("ada").await;
    let auth = watched.app.auth.clone();
    let mut client = Client::new(
        Router::new()
            .route("/named", get(named))
            .with_state(auth)
            .into_axum(),
    );
    client.cookies = watched.app.signed_in("ada").await.cookies;
    let (answer, asked) = watched.during(client.get("/named")).await;
    assert_eq!(answer.text, id.to_string());
    assert_eq!(asked.len(), 1, "{asked:?}");
}
