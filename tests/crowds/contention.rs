//! Everything at once on few accounts from few addresses, through two authorities: nobody waits for anybody in a circle.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crudauth::testing::{Clock, TestBuilder};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{self, Auth, Client, Db, PASSWORD, SECRET, TempDb};
use crate::turn::TURN;

const ACCOUNTS: usize = 4;
const LANES: usize = 40;
const TURNS: usize = 60;
/// Each account has one of these at any time.
const PASSWORDS: [&str; 2] = [PASSWORD, "another good password"];

/// One of two nodes over the same database.
#[derive(Clone)]
struct Node {
    auth: Auth,
    router: axum::Router,
}

impl Node {
    async fn start(pool: Db, clock: &Clock) -> Self {
        let builder = Auth::builder(pool).secret(SECRET).clock(clock.clone());
        let auth = builder.cheap_hashing().manual_workers().await.unwrap();
        let router = support::routes(&auth);
        Self { auth, router }
    }
}

/// What all lanes share.
struct World {
    nodes: [Node; 2],
    clock: Clock,
    /// The present id of each account; it changes when one is deleted and registers again.
    ids: [AtomicI64; ACCOUNTS],
    /// Which password each account was last heard to have.
    passwords: [AtomicUsize; ACCOUNTS],
    /// How often which answer was given to what.
    answers: Mutex<BTreeMap<(&'static str, u16), usize>>,
}

/// A browser that keeps its cookies, on whatever account it is.
struct Lane {
    world: Arc<World>,
    node: Node,
    browser: Client,
    account: usize,
    seed: u64,
}

impl Lane {
    fn new(world: Arc<World>, number: usize) -> Self {
        let node = world.nodes[number % 2].clone();
        let address = format!("198.51.100.{}", number % 8);
        let browser = Client::new(node.router.clone()).from(&address);
        let seed = 0x9e37_79b9_7f4a_7c15 ^ (number as u64) << 32;
        Self {
            world,
            node,
            browser,
            account: 0,
            seed,
        }
    }

    fn any(&mut self, of: usize) -> usize {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        usize::try_from(self.seed % of as u64).unwrap()
    }

    /// With the right password three times out of four.
    async fn sign_in(&mut self) -> u16 {
        let account = self.any(ACCOUNTS);
        let heard = self.world.passwords[account].load(Ordering::SeqCst);
        let password = if self.any(4) == 0 { 1 - heard } else { heard };
        let name = format!("user{account}");
        let answer = self.browser.login(&name, PASSWORDS[password]).await;
        if answer.status == 200 {
            self.account = account;
            self.world.passwords[account].store(password, Ordering::SeqCst);
        }
        answer.status.as_u16()
    }

    async fn change_password(&mut self) -> u16 {
        let heard = &self.world.passwords[self.account];
        let old = heard.load(Ordering::SeqCst);
        let body =
            json!({ "current_password": PASSWORDS[old], "new_password": PASSWORDS[1 - old] });
        let answer = self.browser.post_json("/change-password", &body).await;
        self.browser.keep(&answer);
        if answer.status == 200 {
            heard.store(1 - old, Ordering::SeqCst);
        }
        answer.status.as_u16()
    }

    async fn end_one(&mut self) -> u16 {
        let listed = self.browser.get("/sessions").await;
        let handles = listed.json();
        let Some(handles) = handles.as_array().filter(|handles| !handles.is_empty()) else {
            return listed.status.as_u16();
        };
        let handle = handles[self.any(handles.len())]["id"].as_str().unwrap();
        let path = format!("/sessions/{handle}");
        self.browser.delete(&path).await.status.as_u16()
    }

    async fn refresh(&mut self) -> u16 {
        self.browser.cookies.remove("csrf_token");
        let answer = self.browser.post("/csrf/refresh").await;
        self.browser.keep(&answer);
        answer.status.as_u16()
    }

    async fn replace_account(&mut self) -> u16 {
        let account = self.any(ACCOUNTS);
        let id = &self.world.ids[account];
        if !self
            .node
            .auth
            .users()
            .delete(&id.load(Ordering::SeqCst))
            .await
            .unwrap()
        {
            return 404; // another lane is about to register it
        }
        let body = json!({ "email": format!("user{account}@example.com"), "username": format!("user{account}"),
            "password": PASSWORD });
        let client = Client::new(self.node.router.clone()).from(&support::fresh_address());
        let answer = client.post_json("/register", &body).await;
        self.world.passwords[account].store(0, Ordering::SeqCst);
        id.store(answer.json()["id"].as_i64().unwrap(), Ordering::SeqCst);
        answer.status.as_u16()
    }

    async fn by_the_application(&mut self, what: &str) -> u16 {
        let account = self.any(ACCOUNTS);
        let id = self.world.ids[account].load(Ordering::SeqCst);
        let users = self.node.auth.users();
        match what {
            "disable" => {
                users.disable(&id).await.unwrap();
                users.enable(&id).await.unwrap(); // by the same id: false if it is gone meanwhile
            }
            _ => users.unlock(&id).await.unwrap(),
        }
        0
    }

    async fn turn(&mut self) {
        let (what, status) = match self.any(32) {
            0..13 => ("sign in", self.sign_in().await),
            13..15 => {
                self.browser.cookies.clear(); // an unknown device
                ("sign in afresh", self.sign_in().await)
            }
            15..18 => ("change password", self.change_password().await),
            18 => {
                let answer = self.browser.post("/logout-all?keep_current=true").await;
                ("sign out elsewhere", answer.status.as_u16())
            }
            19 => {
                let answer = self.browser.post("/logout-all").await;
                ("sign out everywhere", answer.status.as_u16())
            }
            20 => {
                let answer = self.browser.post("/logout").await;
                ("sign out", answer.status.as_u16())
            }
            21 => ("end one", self.end_one().await),
            22 => ("refresh", self.refresh().await),
            23..26 => {
                self.world.clock.advance(Duration::from_secs(2));
                ("look", self.browser.get("/me").await.status.as_u16())
            }
            26 => ("replace", self.replace_account().await),
            27..29 => ("disable", self.by_the_application("disable").await),
            29..31 => ("unlock", self.by_the_application("unlock").await),
            _ => {
                self.node.auth.sessions().sweep().await.unwrap();
                ("sweep", 0)
            }
        };
        let mut answers = self.world.answers.lock().unwrap();
        *answers.entry((what, status)).or_default() += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_under_everything_at_once_never_lock_each_other_out() {
    let _turn = TURN.lock().await;
    let file = TempDb::postgres();
    let one = support::with_users(&file, 10).await;
    let two = support::pool(&file.url(), 10).await;
    let clock = Clock::manual();
    let nodes = [
        Node::start(one.clone(), &clock).await,
        Node::start(two.clone(), &clock).await,
    ];
    let mut ids = Vec::new();
    for account in 0..ACCOUNTS {
        let client = Client::new(nodes[0].router.clone()).from(&support::fresh_address());
        let body = json!({ "email": format!("user{account}@example.com"), "username": format!("user{account}"),
            "password": PASSWORD });
        let id = client.post_json("/register", &body).await.json()["id"].as_i64();
        ids.push(AtomicI64::new(id.unwrap()));
    }
    let world = Arc::new(World {
        nodes,
        clock,
        ids: ids.try_into().unwrap(),
        passwords: <[AtomicUsize; ACCOUNTS]>::default(),
        answers: Mutex::default(),
    });

    let mut lanes = JoinSet::new();
    for number in 0..LANES {
        let mut lane = Lane::new(world.clone(), number);
        lanes.spawn(async move {
            for _ in 0..TURNS {
                lane.turn().await;
            }
        });
    }
    lanes.join_all().await;

    let answers = std::mem::take(&mut *world.answers.lock().unwrap());
    let failed: Vec<_> = answers
        .iter()
        .filter(|((_, status), _)| *status >= 500)
        .collect();
    assert!(failed.is_empty(), "{failed:?} of {answers:?}");
    for what in [
        "sign in",
        "change password",
        "sign out elsewhere",
        "end one",
        "replace",
    ] {
        assert!(answers.contains_key(&(what, 200)), "{what}: {answers:?}");
    }

    let db = support::pool(&file.url(), 1).await;
    // An attempt that found its account changed gives its place back behind the answer.
    let settled = tokio::time::timeout(Duration::from_secs(30), async {
        while db
            .count("SELECT count(*) FROM auth_attempts WHERE pending <> 0")
            .await
            > 0
        {
            tokio::task::yield_now().await;
        }
    });
    settled.await.expect("an attempt holds its place for ever");
    for (what, sql) in [
        (
            "an account has more than five sessions",
            "SELECT count(*) FROM (SELECT user_id FROM auth_sessions GROUP BY user_id HAVING count(*) > 5) AS t",
        ),
        (
            "a session has no account",
            "SELECT count(*) FROM auth_sessions WHERE user_id NOT IN (SELECT id FROM users)",
        ),
        (
            "a session has no active account of its epoch",
            "SELECT count(*) FROM auth_sessions s JOIN users u ON u.id = s.user_id
             WHERE NOT u.is_active OR u.token_version <> s.token_version",
        ),
        (
            "a name has no account",
            "SELECT count(*) FROM auth_usernames WHERE user_id NOT IN (SELECT id FROM users)",
        ),
        (
            "an account has no name",
            "SELECT count(*) FROM users WHERE id NOT IN (SELECT user_id FROM auth_usernames)",
        ),
    ] {
        assert_eq!(db.count(sql).await, 0, "{what}");
    }
    assert_eq!(db.count("SELECT count(*) FROM users").await, 4);

    // A connection that ends has told the server's statistics all that it knows.
    one.close().await;
    two.close().await;
    let circles = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(db.count(circles).await, 0);
}
