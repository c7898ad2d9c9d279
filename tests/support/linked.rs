//! An application with every way in that there is, over three providers, and what an account leaves in its tables.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "shared by test binaries that each use a part"
)]

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Mutex;

use crudauth::__private::AuthUser as Account;
use crudauth::hooks::{AccountEvent, HookResult, OAuthLogin};
use crudauth::{AuthUser, Authority, Hooks, PasswordHash, auth};
use serde_json::json;

use crate::elsewhere::bring;
use crate::mailed::MailApp;
use crate::oidc::{Provider, sign_in};
use crate::support::{Answer, Client, PASSWORD, User, fresh_address};
use crate::tokens::{Pair, token};

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[bearer(refresh(deliver = "body"))]
    #[email(frontend_url = "https://app.example.com")]
    #[sudo(route)]
    #[oauth(oidc("demo"), oidc("other"), oidc("loose", trusted = false), default_redirect = "/landing")]
    #[rate_limit(oauth_authorize = "1000/m")]
    #[hooks(Heard)]
    pub struct Site<User>;
}

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[bearer(refresh(deliver = "body"))]
    #[email(frontend_url = "https://app.example.com")]
    #[sudo(route)]
    #[oauth(oidc("demo"), oidc("other"), oidc("loose", trusted = false), default_redirect = "/landing", response = "json")]
    #[rate_limit(oauth_authorize = "1000/m")]
    #[hooks(Heard)]
    pub struct Script<User>;
}

/// An account whose identities at `demo` and `loose` are in its own row, as those of an older application are.
#[derive(Debug, Clone, AuthUser)]
#[auth(table = "users")]
pub struct Member {
    pub id: i64,
    pub email: String,
    pub username: String,
    password_hash: PasswordHash,
    pub email_verified: bool,
    pub is_active: bool,
    token_version: i64,
    updated_at: i64,
    #[auth(identity = "demo")]
    demo_id: Option<String>,
    #[auth(identity = "loose", column = "loose_subject")]
    loose: Option<String>,
}

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[bearer(refresh(deliver = "body"))]
    #[email(frontend_url = "https://app.example.com")]
    #[sudo(route)]
    #[oauth(oidc("demo"), oidc("other"), oidc("loose", trusted = false), default_redirect = "/landing")]
    #[rate_limit(oauth_authorize = "1000/m")]
    #[hooks(Heard)]
    pub struct Club<Member>;
}

/// What hooks were told of accounts and providers, one line each.
#[derive(Debug, Clone, Copy)]
pub struct Heard(&'static Mutex<Vec<String>>);

impl Heard {
    /// Ears that nobody asks.
    pub fn new() -> Self {
        Self(Box::leak(Box::default()))
    }

    fn note(self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

impl<U: Account<Id = i64>> Hooks<U> for Heard {
    async fn after_register(&self, event: &AccountEvent<i64>) -> HookResult {
        let who = event.account.username.as_deref().unwrap_or_default();
        self.note(format!("registered {who}"));
        Ok(())
    }

    async fn oauth_login(&self, event: &OAuthLogin<i64>) -> HookResult {
        let who = event.account.username.as_deref().unwrap_or_default();
        let (by, outcome) = (event.provider, event.outcome);
        let sub = &event.profile.subject;
        self.note(format!("{outcome:?} {who} by {by} {sub}"));
        Ok(())
    }
}

/// The application, its mail, and its providers.
#[derive(Debug)]
pub struct Town<A> {
    pub app: MailApp<A>,
    pub demo: Provider,
    pub other: Provider,
    pub loose: Provider,
    heard: Heard,
}

impl<A> Deref for Town<A> {
    type Target = MailApp<A>;

    fn deref(&self) -> &MailApp<A> {
        &self.app
    }
}

macro_rules! town {
    ($auth:ty) => {{
        use crate::elsewhere::{PUBLIC, credentials};
        let heard = Heard::new();
        let demo = Provider::start().await.unwrap();
        let other = Provider::start().await.unwrap();
        let loose = Provider::start().await.unwrap();
        let app = crate::mailed!(
            $auth,
            5,
            public_url(PUBLIC),
            oidc("demo", credentials(&demo)),
            oidc("other", credentials(&other)),
            oidc("loose", credentials(&loose)),
            hooks(heard)
        );
        for provider in [&demo, &other, &loose] {
            let clock = app.clock.clone();
            provider.set_clock(move || clock.now().as_secs());
        }
        Town {
            app,
            demo,
            other,
            loose,
            heard,
        }
    }};
}

/// In redirect mode.
pub async fn site() -> Town<Site> {
    town!(Site)
}

/// In JSON mode.
pub async fn script() -> Town<Script> {
    town!(Script)
}

/// In redirect mode, over [`Member`].
pub async fn club() -> Town<Club> {
    town!(Club)
}

impl<A: Authority> Town<A> {
    pub fn provider(&self, name: &str) -> &Provider {
        match name {
            "demo" => &self.demo,
            "other" => &self.other,
            _ => &self.loose,
        }
    }

    /// A browser at an address of its own.
    pub fn browser(&self) -> Client {
        self.client().from(&fresh_address())
    }

    pub async fn enters(&self, name: &str) -> Client {
        let mut browser = self.browser();
        let answer = browser.login(name, PASSWORD).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        browser
    }

    /// A program of the account's.
    pub async fn pair(&self, name: &str) -> Pair {
        let answer = token(&self.browser(), name, PASSWORD, "").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        Pair::of(&answer)
    }

    pub async fn id(&self, name: &str) -> i64 {
        let id = "SELECT id FROM users WHERE username = $1";
        self.db.query(id).bind(name).scalar().await
    }

    /// How many rows of `table` are the account's.
    pub async fn of(&self, table: &str, user: i64) -> i64 {
        let count = format!("SELECT count(*) FROM {table} WHERE user_id = $1");
        self.db.query(count).bind(user).scalar().await
    }

    /// Whose account the identity opens: the user name, empty for nobody's.
    pub async fn owner(&self, provider: &str, sub: &str) -> String {
        let owner = "SELECT u.username FROM auth_identities i JOIN users u ON u.id = i.user_id WHERE i.issuer = $1 AND i.subject = $2";
        let query = self.db.query(owner);
        let mut owners: Vec<String> = query
            .bind(self.provider(provider).issuer())
            .bind(sub)
            .scalars()
            .await;
        if let Some(column) = kept::<A>(provider) {
            assert_eq!(owners, [""; 0], "{provider} has a column");
            let owner = format!("SELECT username FROM users WHERE {column} = $1");
            owners = self.db.query(owner).bind(sub).scalars().await;
        }
        assert!(owners.len() < 2, "{owners:?}");
        owners.concat()
    }

    /// Every row that says who may sign in, and how.
    pub async fn rows(&self) -> BTreeMap<&'static str, Vec<String>> {
        let mut rows = BTreeMap::new();
        for table in ROWS {
            rows.insert(table, self.db.dump(table).await);
        }
        rows
    }

    /// What hooks have been told since they were asked last.
    pub fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.0.lock().unwrap())
    }
}

/// The column that holds the identities of `provider`, if one does.
pub fn kept<A: Authority>(provider: &str) -> Option<&'static str> {
    let column = <A::User as Account>::TABLE.identity(provider);
    column.map(|column| column.name)
}

const ROWS: [&str; 8] = [
    "users",
    "auth_elevations",
    "auth_identities",
    "auth_outbox",
    "auth_refresh_tokens",
    "auth_sessions",
    "auth_tokens",
    "auth_usernames",
];

/// Asks to link, signed in: the provider's URL, and the state's cookie in the jar.
pub async fn ask_to_link(client: &mut Client, provider: &str) -> String {
    let answer = client
        .post_json(&format!("/oauth/{provider}/link"), &json!({}))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let url = answer.json()["url"].as_str().unwrap().to_owned();
    client.keep(&answer);
    url
}

/// Links, there and back again.
pub async fn link(client: &mut Client, provider: &str, sub: &str) -> Answer {
    let url = ask_to_link(client, provider).await;
    let callback = sign_in(&url, sub).await;
    bring(client, &callback).await
}

/// Takes the token that a page's script reads from its cookie.
pub fn read_csrf(client: &mut Client) {
    client.csrf = client.cookies.get("csrf_token").cloned();
}

/// The ids of one's identities, the oldest first.
pub async fn identities(client: &Client) -> Vec<String> {
    let answer = client.get("/oauth/identities").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let listed = answer.json();
    let ids = listed.as_array().unwrap().iter();
    ids.map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

pub async fn unlink(client: &Client, id: &str) -> Answer {
    client.delete(&format!("/oauth/identities/{id}")).await
}

pub async fn sudo(client: &Client, password: &str) -> Answer {
    let body = json!({ "password": password });
    client.post_json("/sudo", &body).await
}
