//! What proving once more who one is costs the database, counted on the real one.

use crudauth::routing::{Router, get, post};
use crudauth::{Principal, auth, require};
use serde_json::json;

use crate::custom;
use crate::statements::Log;
use crate::support::{Custom, PASSWORD, User};

auth! {
    #[database(sqlite, postgres)]
    #[sudo(route)]
    struct Auth<User>;
}

#[require(sudo)]
async fn danger(user: Principal<Auth>) -> String {
    user.id.to_string()
}

#[require(superuser, sudo(within = "2m", by(password)))]
async fn strict(user: Principal<Auth>) -> String {
    user.id.to_string()
}

#[require]
async fn plain(user: Principal<Auth>) -> String {
    user.id.to_string()
}

async fn app() -> Custom<Auth> {
    let mut app = custom!(Auth, 1);
    app.router = Router::new()
        .route("/danger", post(danger))
        .route("/strict", post(strict))
        .route("/plain", get(plain))
        .mount(&app.auth)
        .with_state(app.auth.clone())
        .into_axum();
    app
}

#[tokio::test]
async fn the_proof_costs_one_statement_where_it_is_demanded_and_none_elsewhere() {
    let log = Log::open().await;
    let app = app().await;
    let id = app.register("ada").await;
    assert!(app.auth.users().grant_superuser(&id).await.unwrap());
    let ada = app.signed_in("ada").await;
    let mark = || async { drop(app.auth.users().find(&-1).await.unwrap()) };

    let (answer, asked) = log.during(mark, ada.post("/danger")).await;
    assert_eq!((answer.status.as_u16(), asked.len()), (403, 2), "{asked:?}");

    let body = json!({ "password": PASSWORD });
    let (answer, asked) = log.during(mark, ada.post_json("/sudo", &body)).await;
    assert_eq!(answer.status, 200);
    // The session; the try, counted; the guess, counted and forgiven; the try, cleared, the account, the elevation.
    assert_eq!(asked.len(), 7, "{asked:?}");
    for text in asked.iter().filter(|text| text.contains("elevations")) {
        let scans = app.db.full_scans(text).await;
        assert!(scans.is_empty(), "{text}: {scans:?}");
    }

    for path in ["/danger", "/strict"] {
        let (answer, asked) = log.during(mark, ada.post(path)).await;
        assert_eq!((answer.status.as_u16(), asked.len()), (200, 2), "{asked:?}");
        assert!(asked.iter().all(|text| text.starts_with("SELECT")));
        assert!(asked[1].contains("elevations"));
        let scans = app.db.full_scans(&asked[1]).await;
        assert!(scans.is_empty(), "{scans:?}");
    }
    let (_, asked) = log.during(mark, ada.get("/plain")).await;
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(!asked[0].contains("elevations"));
}
