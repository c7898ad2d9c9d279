//! What each path may ask of the database (design §9), as sqlx reports it and, on PostgreSQL, as the server itself does:
//! a statement that nobody wrote, such as a look-up of a type, is one too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crudauth::testing::{Clock, TestBuilder};
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::statements::{Log, Watched};
use crate::support::{self, Auth, Client, PASSWORD, SECRET, TempDb, TestApp, User, fresh_address};

fn is_bracket(statement: &str) -> bool {
    ["BEGIN", "COMMIT", "ROLLBACK"]
        .iter()
        .any(|word| statement.starts_with(word))
}

fn is_write(statement: &str) -> bool {
    !statement.starts_with("SELECT")
}

/// One request of each kind that has a budget.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Path {
    /// No statement.
    Bare,
    Unauthenticated,
    /// One statement, no write.
    Guarded,
    GuardedWrite,
    /// One more when use is recorded.
    GuardedAfterAMinute,
    /// Five statements, and two transactions around them.
    Login,
    LoginAgain,
    WrongLogin,
    UnknownLogin,
    Register,
    ChangePassword,
    Refresh,
    List,
    Logout,
}

use Path::{
    Bare, ChangePassword, Guarded, GuardedAfterAMinute, GuardedWrite, List, Login, LoginAgain,
    Logout, Refresh, Register, Unauthenticated, UnknownLogin, WrongLogin,
};

/// In this order, by one browser: statements, writes among them, transactions.
const BUDGETS: [(Path, usize, usize, usize); 14] = [
    (Bare, 0, 0, 0),
    (Unauthenticated, 0, 0, 0),
    (Register, 4, 3, 1),
    (Login, 5, 4, 2),
    (Guarded, 1, 0, 0),
    (GuardedWrite, 1, 0, 0),
    (GuardedAfterAMinute, 2, 1, 0),
    (LoginAgain, 5, 4, 2),
    (List, 2, 0, 0),
    (Refresh, 3, 2, 0),
    (ChangePassword, 9, 8, 1), // elevations and refresh families end with the sessions
    (WrongLogin, 3, 2, 1),
    (UnknownLogin, 3, 2, 1),
    (Logout, 3, 2, 0), // the session, and what it had proven
];

async fn go(app: &TestApp, browser: &mut Client, path: Path) {
    let name = "ada@example.com";
    let answer = match path {
        Bare => {
            // Beside the mounted router, with a cookie or without.
            let bare = axum::Router::new().route("/bare", axum::routing::get(async || "bare"));
            Client::new(bare).get("/bare").await
        }
        Unauthenticated => {
            assert_eq!(app.client().get("/dashboard").await.status, 401);
            app.client().get("/maybe").await
        }
        Register => {
            let body = json!({ "email": name, "username": "ada", "password": PASSWORD });
            browser.post_json("/register", &body).await
        }
        Login | LoginAgain => browser.login(name, PASSWORD).await,
        Guarded => browser.get("/dashboard").await,
        GuardedWrite => browser.post("/dashboard").await,
        GuardedAfterAMinute => browser.get("/me").await,
        List => browser.get("/sessions").await,
        Refresh => {
            browser.cookies.remove("csrf_token");
            browser.post("/csrf/refresh").await
        }
        ChangePassword => {
            let body = json!({ "current_password": PASSWORD, "new_password": "another good one" });
            browser.post_json("/change-password", &body).await
        }
        WrongLogin | UnknownLogin => {
            let name = if path == WrongLogin { name } else { "nobody" };
            let mut stranger = app.client().from(&fresh_address());
            assert_eq!(stranger.login(name, "wrong password").await.status, 401);
            return;
        }
        Logout => browser.post("/logout").await,
    };
    assert_eq!(answer.status, 200, "{path:?}: {}", answer.text);
    browser.keep(&answer);
}

#[tokio::test]
async fn every_path_keeps_to_its_statements_as_sqlx_reports_them() {
    let watched = Watched::start().await;
    let mut browser = watched.app.client().from(&fresh_address());
    for (path, statements, writes, _) in BUDGETS {
        if path == GuardedAfterAMinute {
            watched.app.clock.advance(Duration::from_secs(61));
        }
        let ((), mut asked) = watched.during(go(&watched.app, &mut browser, path)).await;
        asked.retain(|statement| !is_bracket(statement));
        let written = asked.iter().filter(|statement| is_write(statement)).count();
        assert_eq!(
            (asked.len(), written),
            (statements, writes),
            "{path:?}: {asked:#?}"
        );
    }
}

/// What a client has sent to the server, in its own words.
type Sent = Arc<Mutex<Vec<String>>>;

/// A way to the server of `file` on which somebody listens. Returns its URL.
async fn tapped(file: &TempDb, sent: &Sent) -> String {
    let url = file.url();
    let options: PgConnectOptions = url.parse().unwrap();
    let server = format!("{}:{}", options.get_host(), options.get_port());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = listener.local_addr().unwrap().to_string();
    let (from, sent) = (server.clone(), Arc::clone(sent));
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let server = TcpStream::connect(&server).await.unwrap();
            let ((from_client, mut to_client), (mut from_server, to_server)) =
                (client.into_split(), server.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
            tokio::spawn(listen(from_client, to_server, Arc::clone(&sent)));
        }
    });
    let end = if url.contains('?') { "&" } else { "?" };
    format!("{}{end}sslmode=disable", url.replacen(&from, &here, 1))
}

/// Passes messages on, and writes down those that have a statement run (PostgreSQL, "Message Formats").
async fn listen(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, sent: Sent) {
    let mut prepared: HashMap<String, String> = HashMap::new();
    let mut bound = String::new();
    let mut started = false;
    loop {
        let mut head = vec![0; if started { 5 } else { 4 }];
        if from.read_exact(&mut head).await.is_err() {
            return;
        }
        let (kind, length) = head.split_at(head.len() - 4);
        let length = u32::from_be_bytes(length.try_into().unwrap()) - 4;
        let mut body = vec![0; usize::try_from(length).unwrap()];
        from.read_exact(&mut body).await.unwrap();
        let mut texts = body
            .split(|byte| *byte == 0)
            .map(|text| String::from_utf8_lossy(text).into_owned());
        match kind {
            b"Q" => sent.lock().unwrap().extend(texts.next()),
            b"P" => {
                let name = texts.next().unwrap();
                prepared.insert(name, texts.next().unwrap());
            }
            b"B" => bound = prepared[&texts.nth(1).unwrap()].clone(),
            b"E" => sent.lock().unwrap().push(bound.clone()),
            _ => {}
        }
        started = true;
        to.write_all(&[head, body].concat()).await.unwrap();
    }
}

#[tokio::test]
async fn every_path_keeps_to_its_statements_as_postgres_receives_them() {
    let _turn = Log::open().await; // what is asked here is not to be counted there
    let (file, sent) = (TempDb::postgres(), Sent::default());
    let pool = support::pool(&tapped(&file, &sent).await, 1).await;
    pool.run(User::create_table_sql(pool.dialect())).await;
    let clock = Clock::manual();
    let builder = Auth::builder(pool.clone())
        .secret(SECRET)
        .clock(clock.clone());
    let auth = builder.cheap_hashing().manual_workers().await.unwrap();
    let router = support::routes(&auth);
    let app = TestApp {
        auth,
        clock,
        db: pool,
        router,
        file,
    };
    let mut browser = app.client().from(&fresh_address());
    for (path, statements, writes, transactions) in BUDGETS {
        if path == GuardedAfterAMinute {
            app.clock.advance(Duration::from_secs(61));
        }
        sent.lock().unwrap().clear();
        go(&app, &mut browser, path).await;
        let (brackets, asked): (Vec<_>, Vec<_>) = std::mem::take(&mut *sent.lock().unwrap())
            .into_iter()
            .partition(|statement| is_bracket(statement));
        let written = asked.iter().filter(|statement| is_write(statement)).count();
        assert_eq!(
            (asked.len(), written),
            (statements, writes),
            "{path:?}: {asked:#?}"
        );
        assert_eq!(brackets.len(), 2 * transactions, "{path:?}: {brackets:?}");
    }
}
