//! A clock that is set forwards and back under every flow (SEC-141).

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp, fresh_address};

fn sign_up(name: &str) -> Value {
    json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD })
}

fn change(from: &str, to: &str) -> Value {
    json!({ "current_password": from, "new_password": to })
}

const HOUR: i64 = 3_600_000_000;
const DECADE: i64 = 10 * 365 * 24 * HOUR;

fn jump(app: &TestApp, micros: i64) {
    let now = app.clock.now().as_micros();
    app.clock
        .set(crudauth::__private::Timestamp::from_micros(now + micros));
}

#[tokio::test]
async fn sec_141_no_flow_panics_or_revives_anything_when_the_clock_jumps() {
    for (there, back) in [
        (HOUR, -HOUR),
        (-HOUR, HOUR),
        (DECADE, -DECADE),
        (-DECADE, DECADE),
    ] {
        let app = TestApp::start().await;
        app.register("ada").await;
        let ended = app.signed_in("ada").await;
        ended.post("/logout").await;
        let idle = app.signed_in("ada").await;

        jump(&app, there);
        let while_away = idle.get("/me").await.status.as_u16();
        assert_eq!(while_away, if there > 0 { 401 } else { 200 }, "{there}");
        assert_eq!(ended.get("/me").await.status, 401);
        let user = app.signed_in("ada").await;
        assert_eq!(user.get("/me").await.status, 200);
        assert_eq!(user.get("/sessions").await.status, 200);
        let changed = user
            .post_json(
                "/change-password",
                &change(PASSWORD, "another good password"),
            )
            .await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        assert_eq!(user.post("/csrf/refresh").await.status, 200);
        app.auth.sessions().sweep().await.unwrap();

        jump(&app, back);
        assert_eq!(
            ended.get("/me").await.status,
            401,
            "{there}: what ended stays ended"
        );
        assert_eq!(
            idle.get("/me").await.status,
            401,
            "{there}: what expired or was evicted stays dead"
        );
        let mut again = app.client().from(&fresh_address());
        assert_eq!(
            again.login("ada", "another good password").await.status,
            200,
            "{there}"
        );
        assert_eq!(again.post("/logout-all").await.status, 200);
        assert_eq!(user.get("/me").await.status, 401);
        assert_eq!(
            app.client()
                .post_json("/register", &sign_up("bob"))
                .await
                .status,
            200
        );
    }
}

#[tokio::test]
async fn sec_141_an_expired_session_that_was_refused_stays_dead_when_the_clock_goes_back() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let user = app.signed_in("ada").await;
    app.clock.advance(Duration::from_mins(30));
    assert_eq!(user.get("/me").await.status, 401);

    jump(&app, -HOUR / 2);

    assert_eq!(user.get("/me").await.status, 401);
}

#[tokio::test]
async fn sec_141_a_lock_from_the_future_does_not_outlast_the_longest_lock() {
    let app = TestApp::start().await;
    app.register("ada").await;
    jump(&app, DECADE);
    for _ in 0..6 {
        app.client().login("ada", "wrong password").await;
    }
    jump(&app, -DECADE);
    let locked = app.client().login("ada", PASSWORD).await;
    let wait: u64 = locked
        .header("retry-after")
        .map_or(0, |text| text.parse().unwrap());
    assert!(wait <= 3600, "{wait}");

    app.clock.advance(Duration::from_secs(wait));

    assert_eq!(app.client().login("ada", PASSWORD).await.status, 200);
}
