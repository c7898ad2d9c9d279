//! Fifty at once with one refresh token, in one process and in two; refreshing while the family
//! ends.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::http::Method;
use crudauth::auth;
use crudauth::testing::{Clock, TestBuilder};
use serde_json::json;
use tokio::task::JoinSet;

use crate::mailed;
use crate::mailed::MailApp;
use crate::process::{Worker, say, task, told};
use crate::support::{self, Answer, Client, Custom, JSON, PASSWORD, SECRET, User, fresh_address};
use crate::tokens::{App, Both, Pair, app_with, me, refresh, send, token};

const CALLERS: usize = 50;
const NEW: &str = "another fine passphrase";

/// Callers in each of the processes.
const EACH: usize = 25;

#[test]
fn worker() {
    let Some((_, _, url)) = task() else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let auth = Both::connect(url)
            .secret(SECRET)
            .clock(Clock::manual())
            .cheap_hashing()
            .manual_workers()
            .await
            .unwrap();
        let client = Client::new(auth.router());
        say("ready");
        let order = told();
        for answer in together(std::slice::from_ref(&client), EACH, &order).await {
            let pair = Pair::of(&answer);
            say(&format!("{} {}", answer.status.as_u16(), pair.refresh));
        }
    });
}

/// What so many callers are told who refresh one token at once, taking turns at the servers.
async fn together(servers: &[Client], callers: usize, token: &str) -> Vec<Answer> {
    let mut set = JoinSet::new();
    for turn in 0..callers {
        let (client, token) = (servers[turn % servers.len()].clone(), token.to_owned());
        set.spawn(async move { refresh(&client, &token).await });
    }
    set.join_all().await
}

/// The one successor that all of them were given.
fn successor(answers: &[Answer]) -> String {
    let mut tokens = BTreeSet::new();
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.text);
        tokens.insert(Pair::of(answer).refresh);
    }
    assert_eq!(tokens.len(), 1, "{tokens:?}");
    tokens.pop_first().unwrap()
}

/// A second server of the same application: its own pool on the same database.
async fn second(app: &App) -> Client {
    let auth = Both::builder(support::pool(&app.file.url(), 5).await)
        .secret(SECRET)
        .clock(app.clock.clone())
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    Client::new(auth.router())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_082_fifty_refreshes_of_one_token_have_one_successor() {
    for connections in [5, 1] {
        let app = app_with(connections).await;
        app.register("ada").await;
        let servers = [app.client(), second(&app).await];
        let first = app.pair("ada").await;
        let mut token = first.refresh.clone();
        for _ in 0..6 {
            let answers = together(&servers, CALLERS, &token).await;
            let next = successor(&answers);
            assert_ne!(next, token);
            for answer in &answers[..5] {
                let access = Pair::of(answer).access;
                assert_eq!(me(&servers[1], &access).await.status, 200);
            }
            token = next;
            assert_eq!(app.families().await, 1);
        }
        // No branch beside it: the one before last is spent, and that ends everything.
        assert_eq!(app.refresh(&first.refresh).await.status, 401);
        assert_eq!(app.refresh(&token).await.status, 401);
    }
}

#[tokio::test]
async fn sec_082_two_processes_give_one_successor() {
    let app = app_with(2).await;
    app.register("ada").await;
    let mut token = app.pair("ada").await.refresh;
    for _ in 0..2 {
        let mut workers: Vec<_> = (0..2)
            .map(|number| Worker::start(worker, "refresh", &app.file, number))
            .collect();
        for worker in &mut workers {
            worker.tell(&token);
        }
        let mut said = Vec::new();
        for worker in &mut workers {
            while let Some(report) = worker.next_report() {
                said.push(report);
            }
            assert!(worker.child.wait().unwrap().success(), "{said:?}");
        }
        assert_eq!(said.len(), 2 * EACH);
        let tokens: BTreeSet<_> = said.iter().collect();
        assert_eq!(tokens.len(), 1, "{tokens:?}");
        token = said[0].strip_prefix("200 ").expect(&said[0]).to_owned();
        assert_eq!(app.families().await, 1);
    }
    assert_eq!(app.refresh(&token).await.status, 200);
}

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[bearer(revocation)]
    #[email(frontend_url = "https://app.example.com")]
    struct Whole<User>;
}

/// Somebody with a session, a refresh cookie and an access token.
struct Cast {
    id: i64,
    name: String,
    browser: Client,
    cookie: Client,
    access: String,
    /// Of the link to a new password.
    reset: String,
}

impl Cast {
    async fn of(app: &MailApp<Whole>, name: &str) -> Self {
        app.verified(name).await;
        let id = "SELECT id FROM users WHERE username = $1";
        let id = app.db.query(id).bind(name.to_owned()).scalar().await;
        let mut cookie = app.client().from(&fresh_address());
        let answer = token(&cookie, name, PASSWORD, "").await;
        cookie.keep(&answer);
        Self {
            id,
            name: name.to_owned(),
            browser: app.signed_in(name).await.from(&fresh_address()),
            cookie,
            access: Pair::of(&answer).access,
            reset: app.reset_token(name).await,
        }
    }

    fn token(&self) -> &str {
        &self.cookie.cookies["refresh_token"]
    }
}

const ENDS: [&str; 11] = [
    "tokens().revoke",
    "/token/revoke",
    "/logout",
    "/logout-all",
    "/change-password",
    "/change-password by token",
    "/password/reset-confirm",
    "disable",
    "delete",
    "tokens().revoke_all",
    "sessions().revoke_all",
];

/// Ends the family in one of these ways.
async fn end(app: &Custom<Whole>, cast: &Cast, how: &str) {
    let (client, auth) = (app.client(), &app.auth);
    let change = json!({ "current_password": PASSWORD, "new_password": NEW });
    let bearer = async |path: &str, kind: &str, body: String| {
        send(
            &client,
            Method::POST,
            path,
            &cast.access,
            Some((kind, body)),
        )
        .await
    };
    let answer = match how {
        "/token/revoke" => bearer(how, support::FORM, format!("token={}", cast.token())).await,
        "/logout" => cast.cookie.post(how).await,
        "/logout-all" => cast.browser.post(how).await,
        "/change-password" => cast.browser.post_json(how, &change).await,
        "/change-password by token" => bearer("/change-password", JSON, change.to_string()).await,
        "/password/reset-confirm" => {
            let body = json!({ "token": cast.reset, "new_password": NEW });
            client.post_json(how, &body).await
        }
        _ => {
            match how {
                "tokens().revoke" => auth.tokens().revoke(cast.token()).await.unwrap(),
                "tokens().revoke_all" => {
                    assert_eq!(auth.tokens().revoke_all(&cast.id).await.unwrap(), 1);
                }
                "sessions().revoke_all" => {
                    assert_eq!(auth.sessions().revoke_all(&cast.id).await.unwrap(), 1);
                }
                "disable" => assert!(auth.users().disable(&cast.id).await.unwrap()),
                "delete" => assert!(auth.users().delete(&cast.id).await.unwrap()),
                other => panic!("{other}"),
            }
            return;
        }
    };
    assert_eq!(answer.status, 200, "{how}: {}", answer.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_082_no_refresh_outlives_what_ends_the_family() {
    let app = mailed!(Whole);
    let other = Whole::builder(support::pool(&app.file.url(), 5).await)
        .secret(SECRET)
        .clock(app.clock.clone())
        .cheap_hashing()
        .manual_workers()
        .mailer(app.mail.clone())
        .await
        .unwrap();
    let servers = [app.client(), Client::new(other.router())];
    let app = Arc::new(app);
    let mut met = 0;
    for (number, how) in ENDS.into_iter().enumerate() {
        for round in 0..3 {
            let cast = Arc::new(Cast::of(&app, &format!("u{number}x{round}")).await);
            let before = app.count("SELECT count(*) FROM auth_refresh_tokens").await;
            let mut callers = JoinSet::new();
            for turn in 0..CALLERS {
                if turn == 8 * round {
                    let (app, cast) = (Arc::clone(&app), Arc::clone(&cast));
                    callers.spawn(async move {
                        end(&app.app, &cast, how).await;
                        None
                    });
                }
                let mut client = servers[turn % 2].clone();
                client.cookies = cast.cookie.cookies.clone();
                callers.spawn(async move { Some(client.post("/refresh").await) });
            }
            let answers = callers.join_all().await;

            let mut given = BTreeSet::new();
            let mut accesses = vec![cast.access.clone()];
            for answer in answers.into_iter().flatten() {
                if answer.status == 200 {
                    let mut client = app.client();
                    client.keep(&answer);
                    given.insert(client.cookies["refresh_token"].clone());
                    accesses.push(Pair::of(&answer).access);
                } else {
                    assert_eq!(
                        answer.code(),
                        "refresh_token_invalid",
                        "{how}: {}",
                        answer.text
                    );
                    met += 1;
                }
            }
            let what = format!("{how} {round}: {}", cast.name);
            assert!(given.len() <= 1, "{what}: two branches");
            assert_eq!(
                app.count("SELECT count(*) FROM auth_refresh_tokens").await,
                before - 1,
                "{what}"
            );
            for access in accesses {
                assert_eq!(
                    me(&servers[0], &access).await.code(),
                    "not_authenticated",
                    "{what}"
                );
            }
            given.insert(cast.token().to_owned());
            for token in given {
                let mut client = app.client();
                client.cookies.insert("refresh_token".to_owned(), token);
                assert_eq!(
                    client.post("/refresh").await.code(),
                    "refresh_token_invalid",
                    "{what}"
                );
            }
        }
    }
    assert!(met > 0, "they never met");
}
