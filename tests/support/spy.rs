//! Hooks that write down what they are called with and use the application's only connection.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    reason = "shared by test binaries that each use a part"
)]

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use crudauth::hooks::{
    AccountEvent, HookResult, Hooks, Lockout, LoginFailed, LoginFailure, NewUser, Origin,
    PasswordCheck, SignUpSource,
};
use crudauth::testing::{Clock, TestBuilder};
use crudauth::{AuthUser, PasswordHash, auth};

use crate::support::{self, Client, Db, SECRET, TempDb};

#[derive(Debug, Clone, AuthUser)]
#[auth(table = "users")]
#[allow(dead_code, reason = "read back as columns, not as fields")]
pub struct User {
    id: i64,
    email: String,
    username: String,
    password_hash: PasswordHash,
    is_active: bool,
    is_superuser: bool,
    token_version: i64,
    #[auth(new_user)]
    display_name: Option<String>,
    #[auth(default = "free")]
    plan: String,
}

auth! {
    #[database(sqlite, postgres)]
    #[hooks(Spy)]
    #[session(management)]
    pub struct Auth<User>;
}

/// How a hook ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mood {
    Fine,
    Fails,
    Panics,
}

/// Writes down each call, asks the application's own pool, and ends as it is told.
#[derive(Clone)]
pub struct Spy {
    calls: Arc<Mutex<Vec<String>>>,
    mood: Mood,
    pool: Db,
}

impl Spy {
    async fn called(&self, name: &str, event: &impl Debug, more: &str) -> HookResult {
        self.calls
            .lock()
            .unwrap()
            .push(format!("{name} {more} {event:?}"));
        // With a pool of one this waits for ever if the flow holds the connection.
        self.pool.try_run("SELECT count(*) FROM users").await?;
        match self.mood {
            Mood::Fine => Ok(()),
            Mood::Fails => Err("the hook failed".into()),
            Mood::Panics => panic!("the hook panicked"),
        }
    }

    /// What was called since the last time, by name.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }
}

pub fn told(origin: &Origin) -> String {
    let session = origin
        .session_handle
        .as_ref()
        .map_or("no session", |handle| {
            if handle.len() == 64 {
                "session"
            } else {
                "bad handle"
            }
        });
    format!(
        "[{} {} {} {session}]",
        origin.ip.map_or("no ip".to_owned(), |ip| ip.to_string()),
        origin.user_agent.as_deref().unwrap_or("no agent"),
        origin.transport.unwrap_or("no transport")
    )
}

impl Hooks<User> for Spy {
    async fn after_register(&self, event: &AccountEvent<i64>) -> HookResult {
        self.called("after_register", event, &told(&event.origin))
            .await
    }
    async fn login_failed(&self, event: &LoginFailed<i64>) -> HookResult {
        let reason = if event.reason == LoginFailure::Inactive {
            "inactive"
        } else {
            "invalid"
        };
        let account = event.account.as_ref().map(|account| account.id);
        self.called(
            "login_failed",
            event,
            &format!(
                "{} {reason} {account:?} {:?}",
                told(&event.origin),
                event.identifier
            ),
        )
        .await
    }
    async fn lockout(&self, event: &Lockout<i64>) -> HookResult {
        self.called(
            "lockout",
            event,
            &format!(
                "{} {} {:?}",
                told(&event.origin),
                event.retry_after,
                event.account.as_ref().map(|account| account.id)
            ),
        )
        .await
    }
    async fn after_login(&self, event: &AccountEvent<i64>) -> HookResult {
        self.called("after_login", event, &told(&event.origin))
            .await
    }
    async fn after_logout(&self, event: &AccountEvent<i64>) -> HookResult {
        self.called("after_logout", event, &told(&event.origin))
            .await
    }
    async fn after_password_changed(&self, event: &AccountEvent<i64>) -> HookResult {
        self.called("after_password_changed", event, &told(&event.origin))
            .await
    }
    async fn new_user(&self, user: &NewUser<'_>, columns: &mut UserColumns) -> HookResult {
        columns.display_name = user.suggested_name().map(str::to_owned);
        "trial".clone_into(&mut columns.plan);
        let source = if user.source == SignUpSource::Register {
            "register"
        } else {
            "application"
        };
        self.called("new_user", user, source).await
    }
    async fn check_password(&self, check: &PasswordCheck<'_>) -> Result<(), String> {
        let what = format!("{:?} {:?} {:?}", check.source, check.email, check.username);
        assert!(
            !check.password.expose().contains("cursed"),
            "the check panicked"
        );
        let fine = Self {
            mood: Mood::Fine,
            ..self.clone()
        };
        fine.called("check_password", check, &what)
            .await
            .map_err(|error| error.to_string())?;
        if check.password.expose().contains("leaked") {
            return Err("This password was found in a leak.".to_owned());
        }
        Ok(())
    }
}

pub struct App {
    pub spy: Spy,
    pub auth: Auth,
    pub client: Client,
    pub db: Db,
    _file: TempDb,
}

/// Over a pool of one, which the hooks use too.
pub async fn app(mood: Mood) -> App {
    let file = TempDb::new();
    let pool = support::pool(&file.url(), 1).await;
    let spy = Spy {
        calls: Arc::default(),
        mood,
        pool: pool.clone(),
    };
    let auth = Auth::builder(pool)
        .create_users_table(true)
        .secret(SECRET)
        .clock(Clock::manual())
        .cheap_hashing()
        .manual_workers()
        .hooks(spy.clone())
        .await
        .unwrap();
    let client = Client::new(auth.router());
    let db = support::pool(&file.url(), 1).await;
    App {
        spy,
        auth,
        client,
        db,
        _file: file,
    }
}
