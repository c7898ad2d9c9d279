//! What an attacker does with a session, and how long one lives.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;

use crate::support::{self, Client, PASSWORD, TestApp};

const SECOND: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_mins(30);
const ABSOLUTE: Duration = Duration::from_hours(12);
const REMEMBERED: Duration = Duration::from_hours(30 * 24);

async fn alive(client: &Client) -> bool {
    let status = client.get("/me").await.status;
    assert!(status == 200 || status == 401, "{status}");
    status == 200
}

fn with_session(app: &TestApp, id: &str) -> Client {
    let mut client = app.client();
    client
        .cookies
        .insert("session_id".to_owned(), id.to_owned());
    client
}

#[tokio::test]
async fn sec_043_ids_are_long_random_and_never_repeat() {
    let app = TestApp::start().await;
    let id = app.register("ada").await;
    let mut seen = std::collections::HashSet::new();
    let mut bytes = [0_u32; 256];
    for _ in 0..500 {
        let signed_in = crudauth::testing::sign_in(&app.auth, &id).await.unwrap();
        let value = signed_in
            .cookie
            .split(['=', ';'])
            .nth(1)
            .unwrap()
            .to_owned();
        assert!(
            value.len() >= 22
                && value
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        );

        for byte in value.bytes() {
            bytes[usize::from(byte)] += 1;
        }
        assert!(seen.insert(value));
    }
    // 64 letters; the 43rd carries four bits only. Expected about 336 of each; 6 sigma is about 110.
    let counts: Vec<_> = bytes.iter().filter(|count| **count > 0).collect();
    assert_eq!(counts.len(), 64);
    assert!(
        counts.iter().all(|count| (220..520).contains(*count)),
        "{counts:?}"
    );
}

#[tokio::test]
async fn sec_045_signing_in_gives_a_new_id_and_ends_the_presented_session() {
    let app = TestApp::start().await;
    app.register("ada").await;
    app.register("mallory").await;
    for planter in ["ada", "mallory"] {
        let planted = app.signed_in(planter).await;
        let mut victim = app.client();
        victim.cookies.clone_from(&planted.cookies);
        victim.cookies.remove("device_id");

        let answer = victim.login("ada", PASSWORD).await;

        assert_eq!(answer.status, 200);
        assert_ne!(victim.cookies["session_id"], planted.cookies["session_id"]);
        assert_ne!(victim.csrf, planted.csrf);
        assert!(!alive(&planted).await, "the planted session is dead");
        assert!(alive(&victim).await);
    }
}

#[tokio::test]
async fn sec_045_a_refused_sign_in_leaves_the_presented_session_alone() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let mut client = app.signed_in("ada").await;
    assert_eq!(client.login("ada", "wrong password").await.status, 401);
    assert!(alive(&client).await);
}

#[tokio::test]
async fn sec_046_made_up_ids_are_neither_accepted_nor_adopted() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let real = app.signed_in("ada").await.cookies["session_id"].clone();
    let (head, _) = real.split_at(42);
    let mut made_up: Vec<String> = (0..40).map(|n| format!("{n:043}")).collect();
    made_up.extend([
        "x".to_owned(),
        "0abd0f69-c611-4266-87b1-01d7afdbfe7e".to_owned(),
        head.to_owned(),
        format!("{real}A"),
        format!("{real}="),
        format!("\"{real}\""),
        real.to_uppercase(),
        real.to_lowercase(),
        "A".repeat(4000),
        String::new(),
        "null".to_owned(),
    ]);
    for id in &made_up {
        let mut client = with_session(&app, id);
        assert_eq!(client.get("/me").await.status, 401, "{id}");
        let answer = client.login("ada", PASSWORD).await;
        assert_eq!(answer.status, 200);
        assert_ne!(&client.cookies["session_id"], id);
        assert_eq!(
            with_session(&app, id).get("/me").await.status,
            401,
            "{id} was adopted"
        );
    }
}

#[tokio::test]
async fn sec_047_an_unused_session_dies_at_the_idle_limit() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let (used, unused) = (app.signed_in("ada").await, app.signed_in("ada").await);
    app.clock.advance(IDLE.saturating_sub(SECOND));
    assert!(alive(&used).await, "one second before the limit");
    app.clock.advance(2 * SECOND);
    assert!(!alive(&unused).await, "one second after it");
    assert!(alive(&used).await, "use has moved the limit");
    app.clock.advance(IDLE + SECOND);
    assert!(!alive(&used).await);
}

#[tokio::test]
async fn sec_047_constant_use_does_not_pass_the_absolute_limit() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let client = app.signed_in("ada").await;
    let step = Duration::from_mins(29);
    let mut age = Duration::ZERO;
    while age + step < ABSOLUTE {
        app.clock.advance(step);
        age += step;
        assert!(alive(&client).await, "at {age:?}");
    }
    app.clock.advance(ABSOLUTE.saturating_sub(age + SECOND));
    assert!(alive(&client).await, "one second before the limit");
    app.clock.advance(2 * SECOND);
    assert!(!alive(&client).await, "one second after it");
}

#[tokio::test]
async fn sec_047_a_remembered_session_has_limits_on_the_server_too() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let (mut used, mut unused) = (app.client(), app.client());
    used.login_with("ada", PASSWORD, "&remember_me=1").await;
    unused.login_with("ada", PASSWORD, "&remember_me=1").await;
    app.clock.advance(REMEMBERED / 2);
    assert!(alive(&used).await);
    app.clock.advance((REMEMBERED / 2).saturating_sub(SECOND));
    assert!(
        alive(&used).await && alive(&unused).await,
        "one second before the limit"
    );
    app.clock.advance(2 * SECOND);
    assert!(
        !alive(&used).await && !alive(&unused).await,
        "use does not extend it"
    );
}

#[tokio::test]
async fn sec_048_use_is_written_at_most_once_a_minute() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let client = app.signed_in("ada").await;
    let written = "SELECT last_activity FROM auth_sessions";
    let opened = app.count(written).await;
    app.clock.advance(59 * SECOND);
    assert!(alive(&client).await);
    assert_eq!(app.count(written).await, opened, "59 s old: not written");
    app.clock.advance(SECOND);
    assert!(alive(&client).await);
    assert_eq!(
        app.count(written).await,
        opened + 60_000_000,
        "60 s old: written"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_048_a_touch_never_brings_a_revoked_session_back() {
    let app = TestApp::start().await;
    let id = app.register("ada").await;
    for round in 0..1000 {
        let signed_in = crudauth::testing::sign_in(&app.auth, &id).await.unwrap();
        let session = signed_in
            .cookie
            .split(['=', ';'])
            .nth(1)
            .unwrap()
            .to_owned();
        let client = with_session(&app, &session);
        app.clock.advance(61 * SECOND); // the next use is due to be written
        let touch = tokio::spawn({
            let client = client.clone();
            async move { client.get("/me").await.status }
        });
        let auth = app.auth.clone();
        let revoke = tokio::spawn(async move { auth.sessions().revoke_all(&id).await.unwrap() });
        let (touched, revoked) = (touch.await.unwrap(), revoke.await.unwrap());
        assert!(touched == 200 || touched == 401, "round {round}: {touched}");
        assert_eq!(revoked, 1, "round {round}");
        assert!(!alive(&client).await, "round {round}: the session is back");
    }
    assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 0);
}

#[tokio::test]
async fn sec_049_a_copy_of_the_cookie_is_dead_after_signing_out() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let client = app.signed_in("ada").await;
    let copy = client.clone();
    // Another node: its own authority and pool over the same database.
    let pool = support::pool(&app.file.url(), 2).await;
    let node = support::Auth::builder(pool)
        .secret(support::SECRET)
        .clock(app.clock.clone())
        .await
        .unwrap();
    let mut elsewhere = Client::new(support::routes(&node));
    elsewhere.cookies.clone_from(&client.cookies);
    assert!(alive(&elsewhere).await);

    assert_eq!(client.post("/logout").await.status, 200);

    assert!(!alive(&copy).await && !alive(&elsewhere).await);
    for path in ["/dashboard", "/sessions", "/me"] {
        assert_eq!(copy.get(path).await.status, 401);
    }
    assert_eq!(copy.post("/logout-all").await.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_050_a_password_change_ends_every_other_session_at_once() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let client = app.signed_in("ada").await;
    let thief = app.signed_in("ada").await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let hammer = tokio::spawn({
        let (thief, stopped) = (thief.clone(), stopped);
        async move {
            while !*stopped.borrow() {
                thief.get("/me").await;
                tokio::task::yield_now().await;
            }
        }
    });
    let body =
        serde_json::json!({"current_password": PASSWORD, "new_password": "another long password"});

    let answer = client.post_json("/change-password", &body).await;

    assert_eq!(answer.text, r#"{"detail":"Password changed."}"#);
    for _ in 0..50 {
        assert!(
            !alive(&thief).await,
            "a request that began after the commit succeeded"
        );
    }
    stop.send(true).unwrap();
    hammer.await.unwrap();
    assert!(alive(&client).await, "the calling session is kept");
    assert!(answer.set_cookies().is_empty(), "with its id and its token");
    assert_eq!(client.post("/logout").await.status, 200);
}

#[tokio::test]
async fn sec_050_disabling_an_account_ends_its_sessions_for_good() {
    let app = TestApp::start().await;
    let id = app.register("ada").await;
    let client = app.signed_in("ada").await;
    app.auth.users().disable(&id).await.unwrap();
    assert!(!alive(&client).await);
    app.auth.users().enable(&id).await.unwrap();
    assert!(!alive(&client).await, "what was ended stays ended");
}

#[tokio::test]
async fn sec_053_two_values_of_the_session_cookie_are_no_session() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let client = app.signed_in("ada").await;
    let id = &client.cookies["session_id"];
    let planted = "A".repeat(43);
    let headers: [&[String]; 5] = [
        &[format!("session_id={planted}; session_id={id}")],
        &[format!("session_id={id}; session_id={planted}")],
        &[format!("session_id={id}"), format!("session_id={planted}")],
        &[format!("session_id={id}; a=b; session_id={id}")],
        &[format!("session_id={id}; session_id=")],
    ];
    for lines in headers {
        let mut request = app.client().request(Method::GET, "/me");
        for line in lines {
            request = request.header("cookie", line);
        }
        let answer = client
            .send(request.body(axum::body::Body::empty()).unwrap())
            .await;
        assert_eq!(answer.status, 401, "{lines:?}");
    }
    assert!(alive(&client).await);
}

#[tokio::test]
async fn sec_054_a_listed_handle_opens_nothing() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let client = app.signed_in("ada").await;
    let listed = client.get("/sessions").await;
    let handle = listed.json()[0]["id"].as_str().unwrap().to_owned();
    assert!(!listed.text.contains(&client.cookies["session_id"]));
    for guess in [
        handle.clone(),
        handle[..43].to_owned(),
        handle.to_uppercase(),
    ] {
        assert!(!alive(&with_session(&app, &guess)).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_055_fifty_parallel_sign_ins_leave_the_five_newest() {
    let app = Arc::new(TestApp::start().await);
    app.register("ada").await;
    let mut old = Vec::new();
    for _ in 0..5 {
        old.push(app.signed_in("ada").await);
    }
    app.clock.advance(SECOND);
    let sign_ins: Vec<_> = (0..50)
        .map(|_| {
            let app = Arc::clone(&app);
            tokio::spawn(async move { app.signed_in("ada").await })
        })
        .collect();
    let mut new = Vec::new();
    for sign_in in sign_ins {
        new.push(sign_in.await.unwrap());
    }
    let mut live = (0, 0);
    for (old, new) in old
        .iter()
        .map(Some)
        .chain(std::iter::repeat(None))
        .zip(&new)
    {
        if let Some(old) = old {
            live.0 += usize::from(alive(old).await);
        }
        live.1 += usize::from(alive(new).await);
    }
    assert_eq!(live, (0, 5));
    assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 5);
}

#[tokio::test]
async fn sec_055_the_least_recently_active_session_goes() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(app.signed_in("ada").await);
        app.clock.advance(61 * SECOND);
    }
    assert!(alive(&clients[0]).await, "the oldest is used now");
    let newest = app.signed_in("ada").await;
    let mut live = Vec::new();
    for client in &clients {
        live.push(alive(client).await);
    }
    assert_eq!(live, [true, false, true, true, true]);
    assert!(alive(&newest).await);
}
