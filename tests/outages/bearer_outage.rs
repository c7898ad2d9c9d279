//! A database that is away: whoever carries a token is told so, and is never taken for nobody (SEC-147).

use std::time::Duration;

use crudauth::testing::{Clock, TestBuilder};
use futures_util::future::join_all;
use serde_json::json;

use crate::proxy::{Line, Proxy};
use crate::support::{self, Answer, Client, PASSWORD, SECRET, TempDb};
use crate::tokens::{App, Both, routes};

#[tokio::test]
async fn sec_147_a_token_without_a_database_is_a_503_and_never_nobody() {
    let file = TempDb::postgres();
    let proxy = Proxy::before(&file.url()).await;
    let clock = Clock::manual();
    let auth = Both::connect(proxy.url(&file.url()))
        .create_users_table(true)
        .secret(SECRET)
        .clock(clock.clone())
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    let router = routes(&auth);
    let db = support::pool(&file.url(), 1).await;
    let app = App {
        auth,
        clock,
        db,
        router,
        file,
    };
    app.register("ada").await;
    let pair = app.pair_with("ada", "&scope=read+reports:read").await;

    proxy.set(Line::Down);
    let form = format!("token={}", pair.refresh);
    let access = pair.access.as_str();
    let (asked, posted) = (
        ["/me", "/dashboard", "/reports", "/machines", "/maybe"].map(|path| app.get(path, access)),
        ["/token/revoke", "/token/introspect"].map(|path| app.post_form(path, access, &form)),
    );
    let (asked, posted) = tokio::join!(join_all(asked), join_all(posted));
    let mut answers: Vec<Answer> = asked.into_iter().chain(posted).collect();
    answers.push(app.token("ada", PASSWORD, "").await);
    let refused = app.refresh(&pair.refresh).await;
    assert_eq!(refused.json()["error"], "temporarily_unavailable");
    answers.push(refused);
    for answer in answers {
        let told = (answer.status.as_u16(), answer.code());
        assert_eq!(told, (503, "unavailable".to_owned()), "{}", answer.text);
        assert!(answer.header("retry-after").is_some());
    }
    // What needs no database is answered without one.
    assert_eq!(app.get("/maybe", "x").await.code(), "invalid_token");
    let nobody = Client::new(app.router.clone()).get("/maybe").await;
    assert_eq!(nobody.json(), json!({ "id": null }));

    proxy.set(Line::Up);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    loop {
        let answer = app.get("/me", &pair.access).await;
        if answer.status == 200 {
            break;
        }
        assert_eq!(answer.status, 503);
        assert!(tokio::time::Instant::now() < deadline, "{}", answer.text);
    }
    // Nothing was spent meanwhile: neither the token nor the budget.
    assert_eq!(app.refresh(&pair.refresh).await.status, 200);
    assert_eq!(app.token("ada", PASSWORD, "").await.status, 200);
}
