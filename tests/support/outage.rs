//! An application whose database is behind a proxy, and one request of every kind.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "shared by test binaries that each use a part"
)]

use std::time::Duration;

use crudauth::testing::{Clock, TestBuilder};
use crudauth::{CreateError, CreateUser, Error};
use futures_util::future::{LocalBoxFuture, join_all};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::time::Instant;

use super::proxy::Proxy;
use crate::support::{
    Answer, Auth, Client, Db, PASSWORD, SECRET, TempDb, TestApp, User, UserColumns, fresh_address,
    pool, routes,
};

pub const NEW: &str = "another good password";
/// What a client waits at most for being told that there is no database (SEC-147): 2 s, and what a busy machine adds, on
/// which hundreds of these requests share one thread. Without a limit it would be two answers of 2 s each, or for ever.
pub const PATIENCE: Duration = Duration::from_millis(2500);
/// What it takes at most to work again.
pub const RECOVERY: Duration = Duration::from_secs(5);

/// Whose pool the authority works on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PoolOf {
    /// As sqlx makes one unless told otherwise.
    TheApplication,
    /// That of `Auth::connect`.
    TheAuthority,
}

/// The application on a server of PostgreSQL: `app.db` goes past the proxy.
#[derive(Debug)]
pub struct Outage {
    pub app: TestApp,
    pub proxy: Proxy,
    /// The pool that the authority works on, if it is the application's.
    pool: Option<PgPool>,
}

impl Outage {
    pub async fn over(whose: PoolOf) -> Self {
        let file = TempDb::postgres();
        let proxy = Proxy::before(&file.url()).await;
        let url = proxy.url(&file.url());
        let pool = match whose {
            PoolOf::TheApplication => Some(PgPool::connect(&url).await.unwrap()),
            PoolOf::TheAuthority => None,
        };
        Self {
            app: application(file.url(), file, &url, pool.clone()).await,
            proxy,
            pool,
        }
    }

    /// Until nobody uses a connection of the application's pool.
    pub async fn is_idle(&self) {
        let pool = self.pool.as_ref().expect("the application's pool");
        while pool.num_idle() < pool.size() as usize {
            tokio::task::yield_now().await;
        }
    }
}

/// The application over its own pool, or over one that the authority opens on `url`; the test's own connections are to
/// `direct`.
pub async fn application(direct: String, file: TempDb, url: &str, own: Option<PgPool>) -> TestApp {
    let db = pool(&direct, 2).await;
    let clock = Clock::manual();
    let builder = match own {
        Some(pool) => {
            db.run(User::create_table_sql(db.dialect())).await;
            Auth::builder(Db::Postgres(pool))
        }
        None => Auth::connect(url),
    };
    let auth = builder
        .secret(SECRET)
        .clock(clock.clone())
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    let router = routes(&auth);
    TestApp {
        auth,
        clock,
        db,
        router,
        file,
    }
}

/// How a request ended, however it was made.
#[derive(Debug)]
pub enum End {
    Answer(Answer),
    /// What a handle gave.
    Handle(Result<(), Error>),
}

/// A request that has ended.
#[derive(Debug)]
pub struct Told {
    pub what: &'static str,
    pub end: End,
    pub took: Duration,
}

impl Told {
    /// The database is away, says the answer: in time, and nobody is signed out.
    pub fn is_unavailable(&self) {
        match &self.end {
            End::Answer(answer) => assert_unavailable(self.what, answer),
            End::Handle(result) => assert!(
                matches!(result, Err(Error::Unavailable(_))),
                "{}: {result:?}",
                self.what
            ),
        }
        assert!(self.took < PATIENCE, "{} took {:?}", self.what, self.took);
    }

    pub fn is_done(&self) {
        match &self.end {
            End::Answer(answer) => {
                assert_eq!(answer.status, 200, "{}: {}", self.what, answer.text);
            }
            End::Handle(result) => assert!(result.is_ok(), "{}: {result:?}", self.what),
        }
    }
}

pub fn assert_unavailable(what: &str, answer: &Answer) {
    assert_eq!(answer.status, 503, "{what}: {}", answer.text);
    let again = answer.header("retry-after").unwrap_or_default();
    assert!(
        again.parse::<u32>().is_ok_and(|seconds| seconds > 0),
        "{what}: retry after `{again}`"
    );
    assert_eq!(answer.code(), "unavailable", "{what}: {}", answer.text);
    assert!(
        answer.set_cookies().is_empty(),
        "{what}: {:?}",
        answer.set_cookies()
    );
}

/// Everybody whom the requests of every kind need, each signed in on a browser and at an address of their own.
#[derive(Debug, Clone)]
pub struct Cast {
    members: Vec<(&'static str, Client)>,
    /// A session that `ender` has besides the calling one.
    handle: String,
    owner: User,
}

const MEMBERS: [&str; 10] = [
    "reader", "writer", "leaver", "quitter", "changer", "setter", "lister", "ender", "loser",
    "owner",
];

impl Cast {
    pub async fn of(app: &TestApp) -> Self {
        let mut members = Vec::new();
        for name in MEMBERS {
            app.register(name).await;
            let mut client = app.client().from(&fresh_address());
            let answer = client.login(name, PASSWORD).await;
            assert_eq!(answer.status, 200, "{name}: {}", answer.text);
            members.push((name, client));
        }
        app.db
            .run("UPDATE users SET password_hash = '!' WHERE username = 'setter'")
            .await;
        app.signed_in("ender").await;
        let owner = app.auth.users().find_by_username("owner").await;
        let mut cast = Self {
            members,
            handle: String::new(),
            owner: owner.unwrap().expect("the owner"),
        };
        let sessions = cast.member("ender").get("/sessions").await.json();
        let other = sessions
            .as_array()
            .unwrap()
            .iter()
            .find(|session| session["current"] == false);
        other.unwrap()["id"]
            .as_str()
            .unwrap()
            .clone_into(&mut cast.handle);
        cast
    }

    pub fn member(&self, name: &str) -> &Client {
        let found = self.members.iter().find(|(member, _)| *member == name);
        &found.expect("a member of the cast").1
    }

    /// Who is signed in now.
    pub async fn signed_in(&self) -> Vec<&'static str> {
        let asked = self
            .members
            .iter()
            .map(async |(name, client)| (client.get("/me").await.status == 200).then_some(*name));
        join_all(asked).await.into_iter().flatten().collect()
    }

    /// Everybody is signed in, with the cookie of before.
    pub async fn is_signed_in(&self) {
        assert_eq!(self.signed_in().await, MEMBERS);
    }

    /// Every route of the spine and what the application itself may call, all at once.
    pub async fn every_request(&self, app: &TestApp) -> Vec<Told> {
        let fresh = || app.client().from(&fresh_address());
        let lost = {
            let mut lost = self.member("loser").clone();
            lost.cookies.remove("csrf_token");
            lost
        };
        let path = format!("/sessions/{}", self.handle);
        let users = app.auth.users();
        let requests: Vec<LocalBoxFuture<'_, Told>> = vec![
            route("register", async {
                fresh().post_json("/register", &sign_up("newcomer")).await
            }),
            route("login", async { fresh().login("reader", PASSWORD).await }),
            route("me", self.member("reader").get("/me")),
            route("guard", self.member("reader").get("/dashboard")),
            route("optional guard", self.member("reader").get("/maybe")),
            route("guarded write", self.member("writer").post("/dashboard")),
            route("logout", self.member("leaver").post("/logout")),
            route("logout-all", self.member("quitter").post("/logout-all")),
            route("change-password", async {
                let body = json!({ "current_password": PASSWORD, "new_password": NEW });
                self.member("changer")
                    .post_json("/change-password", &body)
                    .await
            }),
            route("set-password", async {
                let body = json!({ "new_password": NEW });
                self.member("setter")
                    .post_json("/set-password", &body)
                    .await
            }),
            route("sessions", self.member("lister").get("/sessions")),
            route("end session", self.member("ender").delete(&path)),
            route("csrf refresh", lost.post("/csrf/refresh")),
            handle("find", async { users.find(&1).await.map(drop) }),
            handle("create", async { created(users.create(new_user()).await) }),
            handle("list", async {
                app.auth.sessions().list(&self.owner).await.map(drop)
            }),
            handle("disable", async { users.disable(&-1).await.map(drop) }),
            handle("unlock", async { users.unlock(&-1).await }),
            handle("delete", async { users.delete(&-1).await.map(drop) }),
            handle("sweep", async {
                app.auth.sessions().sweep().await.map(drop)
            }),
        ];
        join_all(requests).await
    }
}

async fn told(what: &'static str, end: impl Future<Output = End>) -> Told {
    let asked = Instant::now();
    let end = end.await;
    let took = asked.elapsed();
    Told { what, end, took }
}

fn route<'a>(
    what: &'static str,
    answer: impl Future<Output = Answer> + 'a,
) -> LocalBoxFuture<'a, Told> {
    Box::pin(told(what, async { End::Answer(answer.await) }))
}

fn handle<'a>(
    what: &'static str,
    result: impl Future<Output = Result<(), Error>> + 'a,
) -> LocalBoxFuture<'a, Told> {
    Box::pin(told(what, async { End::Handle(result.await) }))
}

pub fn sign_up(name: &str) -> Value {
    json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD })
}

fn new_user() -> CreateUser<User> {
    CreateUser {
        email: Some("made@example.com".to_owned()),
        username: Some("made".to_owned()),
        password: PASSWORD.to_owned(),
        columns: UserColumns {
            full_name: None,
            plan: "free".to_owned(),
        },
        email_verified: false,
        superuser: false,
    }
}

fn created<K>(result: Result<K, CreateError>) -> Result<(), Error> {
    match result {
        Ok(_) => Ok(()),
        Err(CreateError::Failed(error)) => Err(error),
        Err(refused) => panic!("{refused}"),
    }
}

/// The pool of the application and that of the authority, side by side.
pub async fn on_either_pool(test: impl AsyncFn(PoolOf)) {
    tokio::join!(test(PoolOf::TheApplication), test(PoolOf::TheAuthority));
}

/// Asks again and again, until it is true or the database has had the time to come back.
pub async fn recovers(what: &str, mut is_back: impl AsyncFnMut() -> bool) {
    let asked = Instant::now();
    while !is_back().await {
        assert!(
            asked.elapsed() < RECOVERY,
            "{what}: not back after {RECOVERY:?}"
        );
    }
    assert!(
        asked.elapsed() < RECOVERY,
        "{what}: back after {:?}",
        asked.elapsed()
    );
}
