//! `/token` beside `/login`: one budget, one answer, one cost, one set of hooks, and the same care for a browser.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Method};
use crudauth::auth;
use crudauth::hooks::{AccountEvent, HookResult, Hooks, Lockout, LoginFailed, Origin};
use crudauth::testing::hashes_done;
use futures_util::future::{FutureExt, join_all};

use crate::custom;
use crate::support::{self, Answer, Client, FORM, PASSWORD, User, fresh_address};
use crate::tokens::{Pair, app, token};

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[bearer]
    pub struct Browser<User>;
}

auth! {
    #[database(sqlite, postgres)]
    #[session]
    #[bearer(refresh(deliver = "body"))]
    #[hooks(Heard)]
    struct Listening<User>;
}

/// A sign-in at one of the two doors.
async fn at(door: &str, client: &Client, name: &str, password: &str) -> Answer {
    match door {
        "/token" => token(client, name, password, "").await,
        _ => client.clone().login(name, password).await,
    }
}

const DOORS: [&str; 2] = ["/login", "/token"];

#[tokio::test]
async fn sec_034_guesses_at_both_doors_spend_one_budget() {
    for (first, second) in [("/login", "/token"), ("/token", "/login")] {
        let app = app().await;
        app.register("ada").await;
        let guess = async |door: &str| {
            let client = app.client().from(&fresh_address());
            at(door, &client, "ada", "wrong").await.status.as_u16()
        };
        let before = hashes_done(&app.auth);
        for door in [first, second, first, second, first] {
            assert_eq!(guess(door).await, 401, "{door}");
        }
        assert_eq!(guess(second).await, 429);
        assert_eq!(guess(first).await, 429);
        // The right password is not looked at, at either.
        for door in DOORS {
            let client = app.client().from(&fresh_address());
            let answer = at(door, &client, "ada@example.com", PASSWORD).await;
            assert_eq!(answer.code(), "locked_out", "{door}");
            assert!(answer.header("retry-after").is_some(), "{door}");
        }
        assert_eq!(hashes_done(&app.auth) - before, 5);
        assert_eq!(app.families().await, 0);
    }
}

#[tokio::test]
async fn sec_034_200_parallel_guesses_at_both_doors_cost_five_hashes() {
    let app = app().await;
    app.register("ada").await;
    let before = hashes_done(&app.auth);
    let guesses = (0..200).map(|turn| {
        let client = app.client().from(&fresh_address());
        async move { at(DOORS[turn % 2], &client, "ada", "wrong").await.status }.boxed()
    });
    let answers = join_all(guesses).await;
    let judged = answers.iter().filter(|status| **status == 401).count();
    let refused = answers.iter().filter(|status| **status == 429).count();
    assert_eq!((judged, refused), (5, 195));
    assert_eq!(hashes_done(&app.auth) - before, 5);
}

/// A locked address is locked at both doors, and a success at one clears what was spent at the other.
#[tokio::test]
async fn sec_034_a_lock_and_a_success_at_one_door_count_at_the_other() {
    let app = app().await;
    app.register("ada").await;
    let client = app.client().from("203.0.113.4");
    for (door, clearing) in [("/login", "/token"), ("/token", "/login")] {
        for _ in 0..4 {
            assert_eq!(at(door, &client, "ada", "wrong").await.status, 401);
        }
        let answer = at(clearing, &client, "ada", PASSWORD).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    for _ in 0..6 {
        at("/token", &client, "nobody", "wrong").await;
    }
    for door in DOORS {
        let answer = at(door, &client, "ada", PASSWORD).await;
        assert_eq!(answer.status, 429, "{door}");
    }
    app.clock.advance(Duration::from_hours(24));
    for door in DOORS {
        assert_eq!(at(door, &client, "ada", PASSWORD).await.status, 200);
    }
}

/// Everything of an answer but the number of its request.
fn whole(answer: &Answer) -> (u16, HeaderMap, String) {
    let mut headers = answer.headers.clone();
    assert!(headers.remove("x-request-id").is_some());
    (answer.status.as_u16(), headers, answer.text.clone())
}

#[tokio::test]
async fn sec_021_sec_022_every_refusal_at_the_token_door_is_the_same_and_costs_the_same() {
    let app = app().await;
    for name in ["wrong", "disabled", "unusable", "empty", "corrupt"] {
        app.register(name).await;
    }
    for (name, hash) in [
        ("unusable", "!made-by-a-provider"),
        ("empty", ""),
        ("corrupt", "$argon2id$v=19$m=32,t=1,p=1$c2FsdA"),
    ] {
        let sql = "UPDATE users SET password_hash = $1 WHERE username = $2";
        app.db.query(sql).bind(hash).bind(name).execute().await;
    }
    app.db
        .run("UPDATE users SET is_active = FALSE WHERE username = 'disabled'")
        .await;
    let mut seen = Vec::new();
    for (name, password) in [
        ("nobody", "wrong"),
        ("nobody@example.net", "wrong"),
        ("wrong", "wrong"),
        ("wrong@example.com", "wrong"),
        ("disabled", "wrong"),
        ("disabled", PASSWORD),
        ("unusable", PASSWORD),
        ("empty", PASSWORD),
        ("corrupt", PASSWORD),
    ] {
        let before = hashes_done(&app.auth);
        let client = app.client().from(&fresh_address());
        let answer = token(&client, name, password, "&scope=read").await;
        assert_eq!(hashes_done(&app.auth) - before, 1, "{name}");
        seen.push((name, whole(&answer)));
    }
    let (_, wanted) = seen[0].clone();
    assert_eq!(
        (wanted.0, wanted.2.as_str()),
        (
            401,
            r#"{"detail":"Incorrect username or password","code":"incorrect_credentials","error":"invalid_grant","error_description":"Incorrect username or password"}"#
        )
    );
    for (name, told) in seen {
        assert_eq!(told, wanted, "{name}");
    }
    assert_eq!(app.families().await, 0);
}

/// A page of another site that would sign its visitor in as the attacker: only where a cookie would be planted.
#[tokio::test]
async fn sec_060_a_foreign_page_signs_nobody_in_where_the_token_is_a_cookie() {
    let browser = custom!(Browser);
    browser.register("ada").await;
    let program = app().await;
    program.register("ada").await;
    let body = format!("username=ada&password={}", support::encode(PASSWORD));
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://attacker.example"),
        ("origin", "null"),
        ("referer", "https://attacker.example/page"),
    ] {
        let send = async |client: Client| {
            let request = client
                .request(Method::POST, "/token")
                .header("host", "app.example.com")
                .header("content-type", FORM)
                .header(name, value);
            client
                .send(request.body(Body::from(body.clone())).unwrap())
                .await
        };
        let before = hashes_done(&browser.auth);
        let answer = send(browser.client()).await;
        assert_eq!(answer.code(), "cross_site_login", "{name}: {value}");
        assert_eq!(answer.status, 403);
        assert!(answer.set_cookies().is_empty());
        assert_eq!(answer.json()["error"], "invalid_request");
        assert_eq!(hashes_done(&browser.auth), before);
        // Where it is read by a program, there is nothing that a page could plant.
        let answer = send(program.client()).await;
        assert_eq!(answer.status, 200, "{name}: {value}: {}", answer.text);
        assert!(answer.set_cookies().is_empty());
    }
    assert_eq!(
        browser
            .count("SELECT COUNT(*) FROM auth_refresh_tokens")
            .await,
        0
    );
}

/// A browser that is known by one door is known at the other, while strangers have the account locked.
#[tokio::test]
async fn sec_036_a_device_cookie_of_one_door_counts_at_the_other() {
    for (known_by, asks_at) in [
        ("/token", "/login"),
        ("/token", "/token"),
        ("/login", "/token"),
    ] {
        let app = custom!(Browser);
        app.register("ada").await;
        let mut browser = app.client().from(&fresh_address());
        let answer = at(known_by, &browser, "ada", PASSWORD).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        browser.keep(&answer);
        let device = browser.cookies["device_id"].clone();
        browser.cookies.retain(|name, _| name == "device_id");
        for _ in 0..6 {
            let stranger = app.client().from(&fresh_address());
            at(asks_at, &stranger, "ada", "wrong").await;
        }
        let stranger = app.client().from(&fresh_address());
        assert_eq!(at(asks_at, &stranger, "ada", PASSWORD).await.status, 429);

        let mut browser = browser.from(&fresh_address());
        let answer = at(asks_at, &browser, "ada", PASSWORD).await;
        assert_eq!(answer.status, 200, "{known_by} {asks_at}: {}", answer.text);
        browser.keep(&answer);
        assert_eq!(browser.cookies["device_id"], device, "it is kept");
    }
}

/// A program is no browser: what it is given is in the body, and no cookie speaks for it.
#[tokio::test]
async fn sec_036_in_the_bodies_no_cookie_is_set_and_none_is_read() {
    let app = app().await;
    app.register("ada").await;
    let browser = app.signed_in("ada").await;
    let answer = token(&browser, "ada", PASSWORD, "").await;
    assert!(answer.set_cookies().is_empty());
    assert_eq!(answer.header("set-cookie"), None);
    for _ in 0..6 {
        let stranger = app.client().from(&fresh_address());
        token(&stranger, "ada", "wrong", "").await;
    }
    let browser = browser.from(&fresh_address());
    assert_eq!(token(&browser, "ada", PASSWORD, "").await.status, 429);
    assert_eq!(browser.clone().login("ada", PASSWORD).await.status, 200);
}

/// A session that comes along is neither ended nor needed: tokens are beside it.
#[tokio::test]
async fn a_sign_in_by_token_leaves_the_session_alone() {
    let app = app().await;
    app.register("ada").await;
    let browser = app.signed_in("ada").await;
    let answer = token(&browser, "ada", PASSWORD, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(browser.get("/dashboard").await.json()["via"], "session");
    let access = Pair::of(&answer).access;
    assert_eq!(app.get("/dashboard", &access).await.json()["via"], "bearer");
}

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn note(&self, name: &str, origin: &Origin, event: &impl Debug) {
        let handle = origin.session_handle.as_deref().map_or(0, str::len);
        let transport = origin.transport.unwrap_or("none");
        let line = format!("{name} {transport} {handle}");
        let mut heard = self.0.lock().unwrap();
        heard.push(line);
        // Kept apart from what is compared, and searched for what must not be in it.
        heard.push(format!("{event:?}"));
    }

    fn take(&self) -> (Vec<String>, String) {
        let all = std::mem::take(&mut *self.0.lock().unwrap());
        let names = all.iter().step_by(2).cloned().collect();
        (names, all.concat())
    }
}

impl Hooks<User> for Heard {
    async fn after_login(&self, event: &AccountEvent<i64>) -> HookResult {
        self.note("after_login", &event.origin, event);
        Ok(())
    }
    async fn login_failed(&self, event: &LoginFailed<i64>) -> HookResult {
        self.note("login_failed", &event.origin, event);
        Ok(())
    }
    async fn lockout(&self, event: &Lockout<i64>) -> HookResult {
        self.note("lockout", &event.origin, event);
        Ok(())
    }
}

#[tokio::test]
async fn hooks_hear_which_door_it_was() {
    let heard = Heard::default();
    let app = custom!(Listening, 2, hooks(heard.clone()));
    app.register("ada").await;
    let client = app.client().from(&fresh_address());
    let pair = Pair::of(&token(&client, "ada", PASSWORD, "").await);
    let (names, all) = heard.take();
    assert_eq!(names, ["after_login bearer 32"]);
    for secret in [&pair.access, &pair.refresh, PASSWORD] {
        assert!(!all.contains(secret), "{all}");
    }
    client.clone().login("ada", PASSWORD).await;
    assert_eq!(heard.take().0, ["after_login session 64"]);
    // Renewing is no sign-in.
    let body = serde_json::json!({ "refresh_token": pair.refresh });
    assert_eq!(client.post_json("/refresh", &body).await.status, 200);
    assert!(heard.take().0.is_empty());
    for _ in 0..6 {
        token(&client, "ada", "wrong", "").await;
    }
    let mut wanted = vec!["login_failed bearer 0"; 5];
    wanted.push("lockout bearer 0");
    assert_eq!(heard.take().0, wanted);
    // What is no attempt is none.
    client.post_body("/token", FORM, "username=ada").await;
    assert!(heard.take().0.is_empty());
}
