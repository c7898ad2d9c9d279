//! Accounts that are recovered by something else than their address, of which no provider has a say.

use crudauth::testing::{Clock, TestBuilder};
use crudauth::{AuthUser, PasswordHash, auth};
use serde_json::json;

use crate::elsewhere::{PUBLIC, by, credentials, error, me, provider};
use crate::oidc::{Person, Provider};
use crate::support::{self, Client, Db, PASSWORD, SECRET, TempDb, fresh_address};

#[derive(Debug, Clone, AuthUser)]
#[auth(table = "callers")]
pub struct Caller {
    pub id: i64,
    pub email: String,
    pub email_verified: bool,
    pub username: String,
    password_hash: PasswordHash,
    #[auth(recovery, register)]
    pub phone: Option<String>,
    pub phone_verified: bool,
    pub is_active: bool,
    token_version: i64,
}

auth! {
    #[database(sqlite, postgres)]
    #[channel(frontend_url = "https://app.example.com")]
    #[oauth(oidc("demo"), default_redirect = "/landing")]
    pub struct Lenient<Caller>;
}

auth! {
    #[database(sqlite, postgres)]
    #[channel(frontend_url = "https://app.example.com", require_verified)]
    #[oauth(oidc("demo"), default_redirect = "/landing")]
    pub struct Strict<Caller>;
}

struct App {
    router: axum::Router,
    demo: Provider,
    db: Db,
    _file: TempDb,
}

macro_rules! app {
    ($auth:ty) => {{
        let file = TempDb::new();
        let pool = support::pool(&file.url(), 5).await;
        pool.run(Caller::create_table_sql(pool.dialect())).await;
        let clock = Clock::manual();
        let demo = provider(&clock).await;
        let auth = <$auth>::builder(pool)
            .secret(SECRET)
            .clock(clock)
            .cheap_hashing()
            .manual_workers()
            .channel(crate::channel::CaptureChannel::new())
            .public_url(PUBLIC)
            .oidc("demo", credentials(&demo))
            .await
            .unwrap();
        App {
            router: auth.router(),
            demo,
            db: support::pool(&file.url(), 2).await,
            _file: file,
        }
    }};
}

impl App {
    /// Registers, and has the table say what was proven since.
    async fn account(&self, name: &str, email: bool, phone: bool) {
        let client = Client::new(self.router.clone()).from(&fresh_address());
        let body = json!({
            "email": format!("{name}@example.com"), "username": name, "password": PASSWORD, "phone": format!("+1{name}"),
        });
        let answer = client.post_json("/register", &body).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        for (column, proven) in [("email_verified", email), ("phone_verified", phone)] {
            if proven {
                let set = format!("UPDATE callers SET {column} = (1 = 1) WHERE username = $1");
                assert_eq!(self.db.query(set).bind(name).execute().await, 1);
            }
        }
        let email = format!("{name}@example.com");
        self.demo
            .person(Person::new(name, Some(&email), true).named("Somebody", name));
    }

    /// All that a sign-in may write, as text.
    async fn rows(&self) -> Vec<String> {
        let mut all = Vec::new();
        for table in ["callers", "auth_identities", "auth_sessions"] {
            for (column, bytes) in self.db.bytes(table).await {
                let value = String::from_utf8_lossy(&bytes);
                all.push(format!("{table}.{column} = {value}"));
            }
        }
        all
    }

    async fn refuses(&self, sub: &str, code: &str) {
        let rows = self.rows().await;
        let mut client = Client::new(self.router.clone());
        let answer = by(&mut client, "demo", sub).await;
        assert_eq!(error(&answer), code, "{sub}");
        assert_eq!(me(&client).await, "", "{sub}");
        assert_eq!(
            self.rows().await,
            rows,
            "{sub}: refused before anything is written"
        );
    }

    async fn admits(&self, sub: &str) {
        let mut client = Client::new(self.router.clone());
        let answer = by(&mut client, "demo", sub).await;
        assert_eq!(answer.header("location"), Some("/landing"), "{sub}");
        assert_eq!(me(&client).await, sub);
    }
}

/// Whoever made an account that nobody has proven gets back in by its telephone: claiming it would take nothing from them.
#[tokio::test]
async fn sec_106_an_account_with_another_way_back_is_not_claimed() {
    let app = app!(Lenient);
    for (name, email, phone) in [("neither", false, false), ("phone", false, true)] {
        app.account(name, email, phone).await;
        app.refuses(name, "link_required").await;
    }
    app.account("both", true, true).await;
    app.admits("both").await;
    app.account("email", true, false).await;
    app.admits("email").await;
    // Somebody new has no telephone, and needs none here.
    app.admits("ada").await;
}

/// Where nobody signs in before the telephone is proven, a provider opens nothing before, and leaves no account behind that
/// nobody can ever sign in to.
#[tokio::test]
async fn where_the_telephone_is_asked_for_no_provider_stands_in_for_it() {
    let app = app!(Strict);
    app.account("phone", false, true).await;
    app.refuses("phone", "link_required").await;
    app.account("email", true, false).await;
    app.refuses("email", "account_inactive").await;
    app.refuses("ada", "link_required").await;
    app.account("both", true, true).await;
    app.admits("both").await;
    app.admits("both").await;
    let set = "UPDATE callers SET phone_verified = (1 = 0) WHERE username = 'both'";
    app.db.run(set).await;
    app.refuses("both", "account_inactive").await;
}
