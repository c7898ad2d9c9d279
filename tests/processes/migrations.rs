//! Ten starts at once, in one process and in ten, on databases in every state that another start can have left (SEC-154).

use crudauth::testing::TestBuilder;
use crudauth::{Dialect, auth};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::process::{Worker, say, task, told};
use crate::support::{self, Auth, Client, Db, PASSWORD, SECRET, TempDb, User, dialect};

auth! {
    #[database(sqlite, postgres)]
    #[tables(prefix = "club_")]
    struct Club<User>;
}

const OURS: [&str; 11] = [
    "attempts",
    "elevations",
    "identities",
    "limits",
    "migrations",
    "oauth_states",
    "outbox",
    "refresh_tokens",
    "sessions",
    "tokens",
    "usernames",
];

/// How many migrations there are.
const STEPS: i64 = 5;

/// What a database is like before the ten come.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Before {
    Empty,
    /// Somebody came as far as the ledger.
    OnlyTheLedger,
    /// Another authority has its own tables in it.
    AnotherPrefix,
    /// A version before has taken so many of the steps.
    Steps(usize),
    /// All is done but the account table.
    NoAccounts,
    /// Nothing is left to do.
    Done,
}

const STATES: [Before; 9] = [
    Before::Empty,
    Before::OnlyTheLedger,
    Before::AnotherPrefix,
    Before::Steps(1),
    Before::Steps(2),
    Before::Steps(3),
    Before::Steps(4),
    Before::NoAccounts,
    Before::Done,
];

/// What each step says, with its row in the ledger; the first one makes the ledger too.
fn steps() -> Vec<String> {
    let mut steps = vec![String::new()];
    for statement in Auth::schema_sql(dialect()).split_inclusive(';') {
        steps.last_mut().unwrap().push_str(statement);
        if statement.contains("INSERT INTO") {
            steps.push(String::new());
        }
    }
    steps.pop();
    steps
}

/// Takes back every step after the first `kept`.
async fn take_back(db: &Db, kept: usize) {
    for step in &steps()[kept..] {
        for made in step.split("CREATE TABLE ").skip(1) {
            let (table, _) = made.split_once(' ').unwrap();
            db.run(format!("DROP TABLE {table}")).await;
        }
        let (_, row) = step.split_once("VALUES ('").unwrap();
        let (id, _) = row.split_once('\'').unwrap();
        db.run(format!("DELETE FROM auth_migrations WHERE id = '{id}'"))
            .await;
    }
}

async fn prepared(before: Before) -> (TempDb, Db) {
    let file = TempDb::new();
    let db = support::pool(&file.url(), 1).await;
    match before {
        Before::Empty => {}
        Before::OnlyTheLedger => {
            db.run("CREATE TABLE auth_migrations (id TEXT NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)")
                .await;
        }
        Before::AnotherPrefix => Club::migrate(db.clone()).await.unwrap(),
        Before::Steps(taken) => db.run(steps()[..taken].concat()).await,
        Before::NoAccounts => Auth::migrate(db.clone()).await.unwrap(),
        Before::Done => {
            Auth::migrate(db.clone()).await.unwrap();
            db.run(User::create_table_sql(dialect())).await;
        }
    }
    (file, db)
}

/// One set of tables, with every step recorded once, and as many accounts as were made.
async fn is_whole(before: Before, db: &Db, accounts: i64) {
    let mut tables: Vec<_> = OURS.iter().map(|name| format!("auth_{name}")).collect();
    if before == Before::AnotherPrefix {
        tables.extend(OURS.iter().map(|name| format!("club_{name}")));
    }
    tables.push("users".to_owned());
    assert_eq!(db.tables().await, tables, "{before:?}");
    assert_eq!(
        db.count("SELECT count(*) FROM auth_migrations").await,
        STEPS,
        "{before:?}"
    );
    assert_eq!(
        db.count("SELECT count(*) FROM users").await,
        accounts,
        "{before:?}"
    );
}

async fn start(url: &str) -> crudauth::Result<Auth> {
    let builder = Auth::connect(url).create_users_table(true).secret(SECRET);
    builder.cheap_hashing().manual_workers().await
}

/// A first account: who has started serves.
async fn sign_up(auth: &Auth, number: &str) -> String {
    let name = format!("user{number}");
    let body =
        json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD });
    let client = Client::new(auth.router()).from(&format!("198.51.100.{number}"));
    client
        .post_json("/register", &body)
        .await
        .status
        .to_string()
}

#[test]
fn worker() {
    let Some((task, number, url)) = task() else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        say("ready");
        told();
        if task == "start" {
            say(&match start(&url).await {
                Ok(auth) => sign_up(&auth, &number).await,
                Err(error) => error.to_string().replace('\n', " "),
            });
            return;
        }
        // Again and again on a database that is emptied each time, until it is killed.
        let db = support::pool(&url, 1).await;
        loop {
            for table in OURS {
                db.run(format!("DROP TABLE IF EXISTS auth_{table}")).await;
            }
            db.run("DROP TABLE IF EXISTS users").await;
            say("emptied");
            start(&url).await.unwrap();
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_154_ten_starts_at_once_succeed_whatever_was_there() {
    for before in STATES {
        let (file, db) = prepared(before).await;
        let mut starts = JoinSet::new();
        for _ in 0..10 {
            let url = file.url();
            starts.spawn(async move {
                start(&url)
                    .await
                    .map(drop)
                    .map_err(|error| error.to_string())
            });
        }
        for started in starts.join_all().await {
            assert_eq!(started, Ok(()), "{before:?}");
        }
        is_whole(before, &db, 0).await;
    }
}

#[tokio::test]
async fn sec_154_ten_processes_that_start_at_once_succeed_whatever_was_there() {
    for before in STATES {
        let (file, db) = prepared(before).await;
        let mut workers: Vec<_> = (0..10)
            .map(|number| Worker::start(worker, "start", &file, number))
            .collect();
        for worker in &mut workers {
            worker.go();
        }
        for worker in &mut workers {
            assert_eq!(worker.report(), "200 OK", "{before:?}");
            worker.child.wait().unwrap();
        }
        is_whole(before, &db, 10).await;
    }
}

#[tokio::test]
async fn sec_154_ten_upgrades_at_once_keep_who_is_signed_in() {
    for kept in 1..steps().len() {
        let (file, db) = prepared(Before::Empty).await;
        let auth = start(&file.url()).await.unwrap();
        sign_up(&auth, "1").await;
        let mut ada = Client::new(auth.router());
        assert_eq!(ada.login("user1", PASSWORD).await.status, 200);
        take_back(&db, kept).await;
        assert_eq!(
            db.count("SELECT count(*) FROM auth_migrations").await,
            i64::try_from(kept).unwrap()
        );

        let starts =
            futures_util::future::join_all((0..10).map(async |_| start(&file.url()).await));
        for started in starts.await {
            let mut client = Client::new(started.unwrap().router());
            client.cookies.clone_from(&ada.cookies);
            assert_eq!(client.get("/me").await.status, 200, "{kept} steps");
        }
        is_whole(Before::Steps(kept), &db, 1).await;
    }
}

#[tokio::test]
async fn sec_154_two_prefixes_that_start_at_once_each_have_their_tables() {
    let file = TempDb::new();
    let db = support::pool(&file.url(), 4).await;
    let mut starts = JoinSet::new();
    for _ in 0..5 {
        let (one, two) = (db.clone(), db.clone());
        starts.spawn(async move { Auth::migrate(one).await });
        starts.spawn(async move { Club::migrate(two).await });
    }
    for started in starts.join_all().await {
        started.unwrap();
    }
    assert_eq!(db.tables().await.len(), 2 * OURS.len());
}

#[tokio::test]
async fn sec_154_a_process_killed_while_it_starts_leaves_nothing_half_done() {
    let (file, db) = prepared(Before::Empty).await;
    let mut caught = std::collections::BTreeSet::new();
    for round in 0.. {
        if round >= 20 && caught.len() > 1 {
            break;
        }
        assert!(round < 400, "they were all caught at one place: {caught:?}");
        let mut worker = Worker::start(worker, "over", &file, 0);
        worker.go();
        worker.report();
        // How long one start takes here: the proof of a password to the server alone can be most of it.
        let began = Instant::now();
        worker.report();
        let (now, one) = (Instant::now(), began.elapsed());
        // Some way into the start that follows, each time another one, and a little beyond its end.
        while now.elapsed() < one * (round % 50) / 40 {
            tokio::task::yield_now().await;
            db.run("SELECT 1").await;
        }
        worker.kill();
        assert_eq!(db.wreckage().await, [""; 0]);

        let mut there = db.tables().await;
        there.retain(|name| name.starts_with("auth_"));
        // The tables that the killed one was dropping go one by one; those of the steps come all at once.
        if there.iter().any(|name| name == "auth_migrations") && there.len() > 1 {
            let steps = db.count("SELECT count(*) FROM auth_migrations").await;
            assert_eq!(steps, STEPS, "{there:?} without their steps");
        }
        caught.insert(there);
        for table in OURS {
            db.run(format!("DROP TABLE IF EXISTS auth_{table}")).await;
        }
        db.run("DROP TABLE IF EXISTS users").await;
        start(&file.url()).await.unwrap();
        is_whole(Before::Empty, &db, 0).await;
    }
}

#[tokio::test]
async fn sec_154_tables_that_nobody_recorded_are_refused_by_name_and_left_alone() {
    let file = TempDb::new();
    let db = support::pool(&file.url(), 1).await;
    let sql = Auth::schema_sql(dialect());
    let statements = sql.split_inclusive(';');
    let (rows, tables): (Vec<_>, Vec<_>) =
        statements.partition(|text| text.contains("INSERT INTO"));
    db.run(tables.concat()).await;

    for _ in 0..2 {
        let told = start(&file.url()).await.unwrap_err().to_string();
        assert!(
            told.contains(
                "there is a table `auth_sessions`, but `auth_migrations` does not say that"
            ) && told.contains("`schema_sql`"),
            "{told}"
        );
    }
    assert_eq!(db.count("SELECT count(*) FROM auth_migrations").await, 0);
    db.run(rows.concat()).await;
    start(&file.url()).await.unwrap();
}

/// As a cautious administrator sets it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_154_ten_starts_of_a_role_that_is_serializable_by_default_succeed_on_pools_of_one() {
    let file = TempDb::postgres();
    let url = file.url();
    let (place, name) = url.rsplit_once('/').unwrap();
    let name = name.split('?').next().unwrap();
    let server = support::pool(&url, 1).await;
    assert_eq!(server.dialect(), Dialect::Postgres);
    for setting in ["serializable", "repeatable read"] {
        server
            .run(format!(
                "ALTER DATABASE {name} SET default_transaction_isolation = '{setting}'"
            ))
            .await;
        let mut starts = JoinSet::new();
        for _ in 0..10 {
            let url = format!("{place}/{name}");
            starts.spawn(async move {
                let pool = support::pool(&url, 1).await;
                let builder = Auth::builder(pool).create_users_table(true).secret(SECRET);
                let auth = builder.cheap_hashing().manual_workers().await?;
                auth.shutdown().await;
                Ok::<_, crudauth::Error>(())
            });
        }
        for started in starts.join_all().await {
            started.unwrap_or_else(|error| panic!("{setting}: {error}"));
        }
        is_whole(Before::Empty, &server, 0).await;
        let ours = OURS.map(|name| format!("auth_{name}")).join(", ");
        server.run(format!("DROP TABLE users, {ours}")).await;
    }
}
