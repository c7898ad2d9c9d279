//! An application that people sign in to by the included OpenID provider, and a browser's way there and back. A test file that
//! uses it declares `http`, `oidc` and `support` besides.
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "shared by test binaries that each use a part"
)]

use crudauth::oauth::Credentials;
use crudauth::testing::{Clock, TestBuilder};
use crudauth::{Authority, auth};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::oidc::{Provider, query, sign_in};
use crate::support::{Answer, Client, Db, PASSWORD, SECRET, TempDb, User, fresh_address};

/// The URL under which the application is mounted, as browsers see it.
pub const PUBLIC: &str = "https://app.example.com/auth";

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[sudo(route)]
    #[oauth(oidc("demo"), oidc("other"), oidc("loose", trusted = false), default_redirect = "/landing")]
    #[rate_limit(oauth_authorize = "1000/m")]
    pub struct Web<User>;
}

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[sudo(route)]
    #[oauth(oidc("demo"), oidc("other"), oidc("loose", trusted = false), default_redirect = "/landing", response = "json", keep_tokens)]
    #[rate_limit(oauth_authorize = "1000/m")]
    pub struct Page<User>;
}

/// The application over its providers, its clock, and a pool of the test's own beside it.
#[derive(Debug)]
pub struct App<A> {
    pub auth: A,
    pub demo: Provider,
    pub other: Provider,
    pub loose: Provider,
    pub clock: Clock,
    pub db: Db,
    pub router: axum::Router,
    pub file: TempDb,
}

macro_rules! start {
    ($auth:ty, $connections:expr $(, $call:ident($value:expr))*) => {{
        let (file, pool) = crate::support::database($connections).await;
        let clock = Clock::manual();
        let demo = provider(&clock).await;
        let other = provider(&clock).await;
        let loose = provider(&clock).await;
        let auth = <$auth>::builder(pool)
            .secret(SECRET)
            .clock(clock.clone())
            .cheap_hashing()
            .manual_workers()
            .public_url(PUBLIC)
            .oidc("demo", credentials(&demo))
            .oidc("other", credentials(&other))
            .oidc("loose", credentials(&loose))
            $(.$call($value))*
            .await
            .unwrap();
        let router = crudauth::routing::Router::new()
            .mount(&auth)
            .with_state(auth.clone())
            .into_axum();
        let db = crate::support::pool(&file.url(), 2).await;
        App {
            auth,
            demo,
            other,
            loose,
            clock,
            db,
            router,
            file,
        }
    }};
}

pub(crate) use start;

/// In redirect mode.
pub async fn web() -> App<Web> {
    web_with(5).await
}

pub async fn web_with(connections: u32) -> App<Web> {
    start!(Web, connections)
}

/// In JSON mode.
pub async fn page() -> App<Page> {
    start!(Page, 5)
}

pub fn credentials(provider: &Provider) -> Credentials {
    Credentials::new(provider.client_id(), provider.client_secret()).issuer(provider.issuer())
}

/// One whose time is the test's.
pub async fn provider(clock: &Clock) -> Provider {
    let provider = Provider::start().await.unwrap();
    let clock = clock.clone();
    provider.set_clock(move || clock.now().as_secs());
    provider
}

impl<A: Authority> App<A> {
    pub fn client(&self) -> Client {
        Client::new(self.router.clone())
    }

    pub async fn register(&self, name: &str) -> i64 {
        let client = self.client().from(&fresh_address());
        let body = json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD });
        let answer = client.post_json("/register", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["id"].as_i64().unwrap()
    }

    pub async fn signed_in(&self, name: &str) -> Client {
        let mut client = self.client();
        let answer = client.login(name, PASSWORD).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        client
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        self.db.count(sql).await
    }
}

/// Sets out: the provider's URL, and the state's cookie in the jar.
pub async fn depart(client: &mut Client, provider: &str, query: &str) -> String {
    let answer = client
        .get(&format!("/oauth/{provider}/authorize{query}"))
        .await;
    client.keep(&answer);
    if let Some(url) = answer.json()["url"].as_str() {
        return url.to_owned();
    }
    assert_eq!(answer.status, 307, "{}", answer.text);
    answer.header("location").unwrap().to_owned()
}

/// Brings a callback URL of the provider's home, to the path under which the router is mounted.
pub async fn bring(client: &mut Client, callback: &str) -> Answer {
    let path = callback.strip_prefix(PUBLIC).unwrap();
    let answer = client.get(path).await;
    client.keep(&answer);
    answer
}

/// `ada` has been there: a browser on its way back, and the URL that it was given.
pub async fn home<A: Authority>(app: &App<A>, provider: &str) -> (Client, String) {
    let mut client = app.client();
    let url = depart(&mut client, provider, "").await;
    let callback = sign_in(&url, "ada").await;
    (client, callback)
}

/// There and back again.
pub async fn by(client: &mut Client, provider: &str, sub: &str) -> Answer {
    let url = depart(client, provider, "").await;
    let callback = sign_in(&url, sub).await;
    bring(client, &callback).await
}

/// The name of the cookie that binds this state to a browser.
pub fn cookie_of(state: &str) -> String {
    let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(state));
    format!("oauth_state_{:08x}", u32::from_be_bytes([a, b, c, d]))
}

/// What a refusal says, in either mode.
pub fn error(answer: &Answer) -> String {
    match answer.header("location") {
        Some(page) => {
            let url = format!("https://app.example.com{page}");
            query(&url).get("error").cloned().unwrap_or_default()
        }
        None => answer.code(),
    }
}

/// Who the browser is signed in as: the user name, empty for nobody.
pub async fn me(client: &Client) -> String {
    let answer = client.get("/me").await;
    let name = answer.json()["username"].as_str().map(str::to_owned);
    name.unwrap_or_default()
}
