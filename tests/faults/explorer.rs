//! A bounded explorer (design §8): every sequence of steps of an owner, an attacker, time and the administrator, on the
//! real router and the real store, beside a model of a few lines that says who may be signed in.

use std::time::Duration;

use serde_json::json;

use crate::support::{Client, TestApp, fresh_address};

const DEPTH: usize = 4;
const OLD: &str = "correct horse battery";
const NEW: &str = "another good password";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    OwnerSignsIn,
    OwnerChangesPassword,
    OwnerSignsOut,
    OwnerEndsTheOther,
    ThiefSignsInWithOld,
    ThiefSignsInWithNew,
    ThiefChangesPasswordBack,
    ThiefReplaysTheFirstCookie,
    Time,
    Disable,
    Enable,
}

use Step::*;

const STEPS: [Step; 11] = [
    OwnerSignsIn,
    OwnerChangesPassword,
    OwnerSignsOut,
    OwnerEndsTheOther,
    ThiefSignsInWithOld,
    ThiefSignsInWithNew,
    ThiefChangesPasswordBack,
    ThiefReplaysTheFirstCookie,
    Time,
    Disable,
    Enable,
];

/// What ought to be true: the oracle. Nothing of the product is asked here.
#[derive(Debug, Clone)]
struct Model {
    password: &'static str,
    active: bool,
    owner: bool,
    thief: bool,
}

/// One account, the owner's browser and a thief's, who knows the first password from the beginning.
struct World<'a> {
    app: &'a TestApp,
    name: String,
    id: i64,
    owner: Client,
    thief: Client,
    /// A cookie that the thief copied when it was alive.
    copied: Option<Client>,
    dead: Vec<Client>,
    model: Model,
}

impl<'a> World<'a> {
    async fn new(app: &'a TestApp, number: usize) -> Self {
        let name = format!("user{number}");
        let id = app.register(&name).await;
        let browser = || app.client().from(&fresh_address());
        let model = Model {
            password: OLD,
            active: true,
            owner: false,
            thief: false,
        };
        Self {
            app,
            name,
            id,
            owner: browser(),
            thief: browser(),
            copied: None,
            dead: Vec::new(),
            model,
        }
    }

    /// A browser whose session ends: its cookie must never work again.
    fn bury(&mut self, owner: bool) {
        let (alive, client) = if owner {
            (&mut self.model.owner, &self.owner)
        } else {
            (&mut self.model.thief, &self.thief)
        };
        if std::mem::take(alive) {
            self.dead.push(client.clone());
        }
    }

    async fn sign_in(&mut self, owner: bool, password: &str) {
        let right = self.model.active && password == self.model.password;
        if right {
            self.bury(owner); // the presented session ends
        }
        let client = if owner {
            &mut self.owner
        } else {
            &mut self.thief
        };
        let answer = client.login(&self.name, password).await;
        assert_eq!(
            answer.status,
            if right { 200 } else { 401 },
            "{}",
            answer.text
        );
        if right {
            *if owner {
                &mut self.model.owner
            } else {
                &mut self.model.thief
            } = true;
            self.copied.get_or_insert_with(|| {
                if owner {
                    self.owner.clone()
                } else {
                    self.thief.clone()
                }
            });
        }
    }

    async fn change(&mut self, owner: bool, from: &'static str, to: &'static str) {
        let live = self.model.active
            && if owner {
                self.model.owner
            } else {
                self.model.thief
            };
        let client = if owner { &self.owner } else { &self.thief };
        let body = json!({ "current_password": from, "new_password": to });
        let answer = client.post_json("/change-password", &body).await;
        let changes = live && from == self.model.password;
        assert_eq!(
            answer.status,
            if changes { 200 } else { 401 },
            "{}",
            answer.text
        );
        if changes {
            self.model.password = to;
            self.bury(!owner); // a change evicts everyone else
        }
    }

    async fn take(&mut self, step: Step) {
        match step {
            OwnerSignsIn => self.sign_in(true, self.model.password).await,
            OwnerChangesPassword => self.change(true, OLD, NEW).await,
            OwnerSignsOut => {
                assert_eq!(self.owner.post("/logout").await.status, 200);
                self.bury(true);
            }
            OwnerEndsTheOther => {
                let answer = self.owner.post("/logout-all?keep_current=true").await;
                assert_eq!(answer.status, if self.model.owner { 200 } else { 401 });
                if self.model.owner {
                    self.bury(false);
                }
            }
            ThiefSignsInWithOld => self.sign_in(false, OLD).await,
            ThiefSignsInWithNew => self.sign_in(false, NEW).await,
            ThiefChangesPasswordBack => self.change(false, NEW, OLD).await,
            ThiefReplaysTheFirstCookie => {
                if let Some(copied) = &self.copied {
                    let alive = [
                        (&self.owner, self.model.owner),
                        (&self.thief, self.model.thief),
                    ]
                    .iter()
                    .any(|(client, alive)| {
                        *alive
                            && client.cookies.get("session_id") == copied.cookies.get("session_id")
                    });
                    assert_eq!(
                        copied.get("/me").await.status == 200,
                        alive,
                        "a copy lives no longer than the session"
                    );
                }
            }
            Time => {
                self.app.clock.advance(Duration::from_mins(31));
                self.bury(true);
                self.bury(false);
            }
            Disable => {
                self.app.auth.users().disable(&self.id).await.unwrap();
                self.model.active = false;
                self.bury(true);
                self.bury(false);
            }
            Enable => {
                self.app.auth.users().enable(&self.id).await.unwrap();
                self.model.active = true;
            }
        }
    }

    /// The invariants, after every step.
    async fn check(&self) {
        for (client, alive) in [
            (&self.owner, self.model.owner),
            (&self.thief, self.model.thief),
        ] {
            let status = client.get("/me").await.status;
            assert_eq!(status, if alive { 200 } else { 401 }, "{:?}", self.model);
            assert!(
                self.model.active || status == 401,
                "a disabled user gains nothing"
            );
        }
        for client in &self.dead {
            assert_eq!(
                client.get("/me").await.status,
                401,
                "an ended session never revives"
            );
        }
    }
}

/// Whether the last step can matter after those before it: steps that change nothing only repeat shorter sequences.
fn is_worthwhile(path: &[Step]) -> bool {
    let signs_in = |step: &Step| {
        matches!(
            step,
            OwnerSignsIn | ThiefSignsInWithOld | ThiefSignsInWithNew
        )
    };
    let someone = path.iter().take(path.len() - 1).any(signs_in);
    match path.last() {
        Some(OwnerSignsIn | ThiefSignsInWithOld | Disable) => true,
        Some(Enable) => path.contains(&Disable),
        Some(_) => someone,
        None => false,
    }
}

/// Runs every sequence that begins with `first`; returns how many there were.
async fn explore(first: Step) -> usize {
    let app = TestApp::start().await;
    let mut stack = vec![vec![first]];
    let mut explored = 0;
    while let Some(path) = stack.pop() {
        if !is_worthwhile(&path) {
            continue;
        }
        if path.len() < DEPTH {
            stack.extend(
                STEPS
                    .iter()
                    .map(|step| path.iter().chain([step]).copied().collect::<Vec<_>>()),
            );
            continue; // its extensions check every step of it on the way
        }
        let mut world = World::new(&app, explored).await;
        for step in &path {
            world.take(*step).await;
            world.check().await;
        }
        explored += 1;
    }
    assert_eq!(
        app.count("SELECT count(*) FROM auth_sessions WHERE user_id NOT IN (SELECT id FROM users)")
            .await,
        0
    );
    explored
}

#[tokio::test]
async fn sec_050_no_sequence_that_begins_with_the_owner_breaks_the_rules() {
    assert!(explore(OwnerSignsIn).await > 900);
}

#[tokio::test]
async fn sec_050_no_sequence_that_begins_with_the_thief_breaks_the_rules() {
    assert!(explore(ThiefSignsInWithOld).await > 900);
}

#[tokio::test]
async fn sec_050_no_sequence_that_begins_with_a_disabled_account_breaks_the_rules() {
    assert!(explore(Disable).await > 100);
}
