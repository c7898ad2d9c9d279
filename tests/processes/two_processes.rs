//! What is counted, held or used up is so across processes: fifty callers in two of them, on one database.

use std::time::Duration;

use axum::http::Method;
use crudauth::testing::{Clock, TestBuilder};
use serde_json::json;
use tokio::task::JoinSet;

use crate::process::{Worker, say, task, told};
use crate::support::{self, Answer, Auth, Client, PASSWORD, TempDb, TestApp, fresh_address};

/// Callers in each process.
const CALLERS: usize = 25;

#[test]
fn worker() {
    let Some((task, number, url)) = task() else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let clock = Clock::manual();
        let auth = Auth::connect(url)
            .secret(support::SECRET)
            .clock(clock.clone())
            .cheap_hashing()
            .manual_workers()
            .await
            .unwrap();
        let stranger = Client::new(support::routes(&auth));
        say("ready");
        let order = told();
        let mut browser = stranger.clone();
        if let Some((cookie, csrf)) = order.split_once(' ') {
            browser.cookies.insert("session_id".to_owned(), cookie.to_owned());
            browser.csrf = Some(csrf.to_owned());
        }
        match &*task {
            "names" => together(|turn| {
                let (number, client) = (number.clone(), stranger.clone().from(&format!("10.0.{number}.{turn}")));
                async move {
                    let name: String = (0..6).map(|bit| if turn >> bit & 1 == 1 { 'A' } else { 'a' }).collect();
                    let body = json!({ "email": format!("u{number}x{turn}@x.com"), "username": name, "password": PASSWORD });
                    client.post_json("/register", &body).await
                }
            }).await,
            "limit" => together(|turn| {
                let (number, client) = (number.clone(), stranger.clone());
                async move {
                    let name = format!("u{number}x{turn}");
                    let body = json!({ "email": format!("{name}@x.com"), "username": name, "password": PASSWORD });
                    client.post_json("/register", &body).await
                }
            }).await,
            "refresh" => together(|_| {
                let mut client = browser.clone();
                client.csrf = None;
                async move { client.post("/csrf/refresh").await }
            }).await,
            "change" => together(|_| {
                let (client, new) = (browser.clone(), format!("the password of {number}"));
                async move {
                    let body = json!({ "current_password": PASSWORD, "new_password": new });
                    client.post_json("/change-password", &body).await
                }
            }).await,
            "use" => {
                clock.advance(Duration::from_secs(61)); // each request records its use
                together(|_| {
                    let client = browser.clone();
                    async move { client.get("/me").await }
                }).await;
            }
            "end" => together(|_| {
                let client = browser.clone();
                async move { client.post("/logout").await }
            }).await,
            "replace" => replace(&auth, &stranger).await,
            "sign_in" => sign_in(&stranger).await,
            other => panic!("{other}"),
        }
    });
}

/// Says what each caller is answered: the status, and the token that comes with it.
async fn together<F: Future<Output = Answer> + Send + 'static>(make: impl Fn(usize) -> F) {
    let mut callers = JoinSet::new();
    for turn in 0..CALLERS {
        callers.spawn(make(turn));
    }
    for answer in callers.join_all().await {
        let token = answer.json()["csrf_token"]
            .as_str()
            .unwrap_or("-")
            .to_owned();
        say(&format!("{} {token}", answer.status.as_u16()));
    }
}

/// Deletes the account and registers it again, over and over, each time as soon as somebody has signed in to it.
async fn replace(auth: &Auth, stranger: &Client) {
    let register = async |name: &str| {
        let client = stranger.clone().from(&fresh_address());
        let body = json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD });
        let answer = client.post_json("/register", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["id"].as_i64().unwrap()
    };
    for _ in 0..CALLERS {
        let id = register("ada").await;
        let user = auth.users().find(&id).await.unwrap().unwrap();
        let found = tokio::time::timeout(Duration::from_secs(20), async {
            while auth.sessions().list(&user).await.unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        });
        found.await.expect("nobody signs in");
        assert!(auth.users().delete(&id).await.unwrap());
    }
    register("the_end").await;
}

/// Signs in from fifty browsers until it is told that this is the end, and says what each was given.
async fn sign_in(stranger: &Client) {
    let mut browsers = JoinSet::new();
    for _ in 0..2 * CALLERS {
        let stranger = stranger.clone();
        browsers.spawn(async move {
            loop {
                let mut browser = stranger.clone().from(&fresh_address());
                if browser.login("ada", PASSWORD).await.status == 200 {
                    say(&format!("200 {}", browser.cookies["session_id"]));
                } else if browser.login("the_end", PASSWORD).await.status == 200 {
                    return;
                }
            }
        });
    }
    browsers.join_all().await;
}

/// Two processes do as they are told at once; what they said, in two words each.
async fn in_two_processes(file: &TempDb, tasks: [(&str, &str); 2]) -> [Vec<(String, String)>; 2] {
    let mut workers: Vec<_> = tasks
        .iter()
        .enumerate()
        .map(|(number, (task, _))| Worker::start(worker, task, file, number))
        .collect();
    for (worker, (_, order)) in workers.iter_mut().zip(tasks) {
        worker.tell(order);
    }
    let said = workers.into_iter().map(|mut worker| {
        tokio::task::spawn_blocking(move || {
            let mut said = Vec::new();
            while let Some(report) = worker.next_report() {
                let (one, two) = report.split_once(' ').unwrap_or((&report, ""));
                said.push((one.to_owned(), two.to_owned()));
            }
            assert!(worker.child.wait().unwrap().success(), "{said:?}");
            said
        })
    });
    let [one, two] = said.collect::<Vec<_>>().try_into().unwrap();
    [one.await.unwrap(), two.await.unwrap()]
}

fn count(said: &[Vec<(String, String)>; 2], status: &str) -> usize {
    said.iter()
        .flatten()
        .filter(|(one, _)| one == status)
        .count()
}

fn order(client: &Client) -> String {
    format!(
        "{} {}",
        client.cookies["session_id"],
        client.csrf.as_deref().unwrap()
    )
}

#[tokio::test]
async fn sec_025_one_name_in_fifty_spellings_from_two_processes_is_one_account() {
    let app = TestApp::start().await;
    let said = in_two_processes(&app.file, [("names", ""); 2]).await;
    assert_eq!(
        (count(&said, "200"), count(&said, "422")),
        (1, 49),
        "{said:?}"
    );
    assert_eq!(app.count("SELECT count(*) FROM users").await, 1);
    assert_eq!(app.count("SELECT count(*) FROM auth_usernames").await, 1);
}

#[tokio::test]
async fn two_processes_share_one_limit() {
    let app = TestApp::start().await;
    let said = in_two_processes(&app.file, [("limit", ""); 2]).await;
    assert_eq!(
        (count(&said, "200"), count(&said, "429")),
        (5, 45),
        "{said:?}"
    );
    assert_eq!(app.count("SELECT count(*) FROM users").await, 5);
}

#[tokio::test]
async fn sec_066_of_the_tokens_that_two_processes_hand_out_the_last_one_works() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let mut owner = app.signed_in("ada").await;
    let order = order(&owner);
    let said = in_two_processes(&app.file, [("refresh", &order); 2]).await;
    assert!(count(&said, "200") > 0, "{said:?}");

    let mut working = 0;
    let before = owner.csrf.take().unwrap();
    let given = said.iter().flatten().map(|(_, token)| token.clone());
    for token in given.filter(|token| token != "-").chain([before]) {
        let request = owner
            .request(Method::POST, "/dashboard")
            .header("x-csrf-token", token);
        working += u32::from(owner.send(request.body("".into()).unwrap()).await.status == 200);
    }
    assert_eq!(working, 1);
}

#[tokio::test]
async fn sec_050_of_two_sessions_that_change_the_password_in_two_processes_one_wins() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let sessions = [app.signed_in("ada").await, app.signed_in("ada").await];
    let orders = [order(&sessions[0]), order(&sessions[1])];
    let said = in_two_processes(&app.file, [("change", &orders[0]), ("change", &orders[1])]).await;

    assert_eq!(count(&said, "200"), 1, "{said:?}");
    assert_eq!(count(&said, "500") + count(&said, "503"), 0, "{said:?}");
    let winner = usize::from(said[1].iter().any(|(status, _)| status == "200"));
    assert_eq!(sessions[winner].get("/me").await.status, 200);
    assert_eq!(sessions[1 - winner].get("/me").await.status, 401);
    for (number, status) in [(winner, 200), (1 - winner, 401)] {
        let mut client = app.client().from(&fresh_address());
        let answer = client
            .login("ada", &format!("the password of {number}"))
            .await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
}

#[tokio::test]
async fn sec_048_use_in_one_process_never_revives_what_another_has_ended() {
    let app = TestApp::start().await;
    app.register("ada").await;
    for _ in 0..3 {
        let owner = app.signed_in("ada").await;
        let order = order(&owner);
        let said = in_two_processes(&app.file, [("use", &order), ("end", &order)]).await;
        assert_eq!(
            count(&said, "200") + count(&said, "401"),
            2 * CALLERS,
            "{said:?}"
        );
        assert_eq!(owner.get("/me").await.status, 401);
        assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 0);
    }
}

#[tokio::test]
async fn sec_159_what_one_process_issues_to_an_account_dies_when_another_deletes_it() {
    let app = TestApp::start().await;
    let said = in_two_processes(&app.file, [("replace", ""), ("sign_in", "")]).await;

    for table in ["auth_sessions", "auth_usernames"] {
        let orphans =
            format!("SELECT count(*) FROM {table} WHERE user_id NOT IN (SELECT id FROM users)");
        assert_eq!(app.db.count(orphans).await, 0, "{table}");
    }
    assert!(count(&said, "200") >= CALLERS, "{said:?}");
    app.register("ada").await;
    for (_, cookie) in &said[1] {
        let mut thief = app.client();
        thief
            .cookies
            .insert("session_id".to_owned(), cookie.clone());
        assert_eq!(thief.get("/me").await.status, 401);
    }
}
