//! A small OpenID provider for tests and examples: discovery, a JWKS, the code flow with PKCE and nonce, userinfo, and the
//! endpoints of GitHub's and Discord's shape. It knows no passwords, and does wrong when it is told to.

#![allow(
    clippy::disallowed_methods,
    reason = "the rule is the library's: what a provider reads the time from is its own business"
)]

mod authorize;
mod github;
mod keys;
mod misbehaviour;
mod serve;
mod token;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use keys::Key;
pub use misbehaviour::{Fault, Misbehaviour, Signed};
pub use serve::{Endpoint, Seen};

/// What goes wrong on the provider's own side.
pub type Broken = Box<dyn std::error::Error + Send + Sync>;

/// A running provider. It ends when this is dropped.
pub struct Provider {
    desk: Arc<Desk>,
    serving: JoinHandle<()>,
}

/// Somebody who has an account there.
#[derive(Debug, Clone)]
pub struct Person {
    pub sub: String,
    pub email: Option<String>,
    /// As the provider says it: a boolean, Apple's `"true"`, or null for nothing at all.
    pub email_verified: Value,
    pub name: Option<String>,
    pub username: Option<String>,
    /// Whether the `id_token` says who they are; if not, only userinfo does.
    pub in_id_token: bool,
}

impl Person {
    pub fn new(sub: &str, email: Option<&str>, email_verified: impl Into<Value>) -> Self {
        Self {
            sub: sub.to_owned(),
            email: email.map(str::to_owned),
            email_verified: email_verified.into(),
            name: None,
            username: None,
            in_id_token: true,
        }
    }

    #[must_use]
    pub fn named(mut self, name: &str, username: &str) -> Self {
        self.name = Some(name.to_owned());
        self.username = Some(username.to_owned());
        self
    }

    #[must_use]
    pub fn only_in_userinfo(mut self) -> Self {
        self.in_id_token = false;
        self
    }

    /// The claims about them (OpenID Connect Core §5.1).
    fn claims(&self) -> Map<String, Value> {
        let mut claims = Map::new();
        misbehaviour::put(&mut claims, "email", &json!(self.email));
        misbehaviour::put(&mut claims, "email_verified", &self.email_verified);
        misbehaviour::put(&mut claims, "name", &json!(self.name));
        let given = self.name.as_deref().and_then(|name| name.split(' ').next());
        misbehaviour::put(&mut claims, "given_name", &json!(given));
        misbehaviour::put(&mut claims, "preferred_username", &json!(self.username));
        claims
    }
}

impl Provider {
    /// On a free port of this machine, with a client that no other provider has.
    pub async fn start() -> Result<Self, Broken> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        Self::on(listener, &format!("-{port}"))
    }

    /// As [`start`](Self::start), with the same client every time.
    pub async fn listen(address: impl ToSocketAddrs) -> Result<Self, Broken> {
        Self::on(TcpListener::bind(address).await?, "")
    }

    fn on(listener: TcpListener, client: &str) -> Result<Self, Broken> {
        let url = format!("http://{}", listener.local_addr()?);
        let desk = Arc::new(Desk {
            client_id: format!("demo-client{client}"),
            client_secret: format!("demo-secret:with/every+sign%that=matters{client}"),
            public_client_id: format!("demo-public-client{client}"),
            issuer: Mutex::new(url.clone()),
            url,
            people: Mutex::new(people()),
            keys: Mutex::new(Arc::new(Key::es256()?)),
            clock: Mutex::new(Arc::new(system_seconds)),
            codes: Mutex::default(),
            tokens: Mutex::default(),
            misbehaviour: watch::Sender::default(),
            seen: watch::Sender::default(),
        });
        let serving = tokio::spawn(serve::serve(listener, Arc::clone(&desk)));
        Ok(Self { desk, serving })
    }

    /// Where it listens, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.desk.url
    }

    /// Who it says that it is: where it listens, unless it [poses as](Self::poses_as) another.
    pub fn issuer(&self) -> String {
        held(&self.desk.issuer).clone()
    }

    pub fn client_id(&self) -> &str {
        &self.desk.client_id
    }

    /// Has the signs in it that the ways to send it write differently (RFC 6749 §2.3.1).
    pub fn client_secret(&self) -> &str {
        &self.desk.client_secret
    }

    /// A client that has no secret.
    pub fn public_client_id(&self) -> &str {
        &self.desk.public_client_id
    }

    /// Somebody more, or somebody anew.
    pub fn person(&self, person: Person) {
        let mut people = held(&self.desk.people);
        people.retain(|other| other.sub != person.sub);
        people.push(person);
    }

    /// From now on this is its issuer, and its endpoints are under it: for clients that reach every host here.
    pub fn poses_as(&self, issuer: &str) {
        issuer.clone_into(&mut held(&self.desk.issuer));
    }

    /// Where it has the time from, in seconds since the Unix epoch.
    pub fn set_clock(&self, clock: impl Fn() -> i64 + Send + Sync + 'static) {
        *held(&self.desk.clock) = Arc::new(clock);
    }

    /// Signs with a new key from now on, and publishes that one only.
    pub fn rotate_keys(&self) -> Result<(), Broken> {
        self.sign_with(Key::es256()?);
        Ok(())
    }

    /// Signs with this key from now on, and publishes that one only.
    pub fn sign_with(&self, key: Key) {
        *held(&self.desk.keys) = Arc::new(key);
    }

    /// Does this wrong from now on, beside what it does wrong already.
    pub fn misbehave(&self, misbehaviour: Misbehaviour) {
        let all = &self.desk.misbehaviour;
        all.send_modify(|all| all.push(misbehaviour));
    }

    /// Does everything right again; what hangs goes on.
    pub fn behave(&self) {
        self.desk.misbehaviour.send_modify(Vec::clear);
    }

    /// How many requests an endpoint had.
    pub fn calls(&self, endpoint: Endpoint) -> usize {
        serve::count(&self.desk.seen.borrow(), endpoint)
    }

    /// Returns when an endpoint had this many requests; they may not be answered yet.
    pub async fn called(&self, endpoint: Endpoint, times: usize) -> Result<(), Broken> {
        let mut seen = self.desk.seen.subscribe();
        seen.wait_for(|seen| serve::count(seen, endpoint) >= times)
            .await?;
        Ok(())
    }

    /// The requests that an endpoint had.
    pub fn seen(&self, endpoint: Endpoint) -> Vec<Seen> {
        let seen = self.desk.seen.borrow();
        let of_it = seen.iter().filter(|seen| seen.endpoint == endpoint);
        of_it.cloned().collect()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Provider({})", self.desk.url)
    }
}

/// What every request sees.
struct Desk {
    url: String,
    client_id: String,
    client_secret: String,
    public_client_id: String,
    issuer: Mutex<String>,
    people: Mutex<Vec<Person>>,
    keys: Mutex<Arc<Key>>,
    clock: Mutex<Arc<dyn Fn() -> i64 + Send + Sync>>,
    /// What a code stands for.
    codes: Mutex<HashMap<String, authorize::Grant>>,
    /// Whom an access token is about.
    tokens: Mutex<HashMap<String, String>>,
    misbehaviour: watch::Sender<Vec<Misbehaviour>>,
    seen: watch::Sender<Vec<Seen>>,
}

impl Desk {
    fn now(&self) -> i64 {
        let clock = Arc::clone(&held(&self.clock));
        clock()
    }

    fn issuer(&self) -> String {
        held(&self.issuer).clone()
    }

    fn find(&self, sub: &str) -> Option<Person> {
        let people = held(&self.people);
        people.iter().find(|person| person.sub == sub).cloned()
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// 256 random bits.
fn random() -> Result<String, Broken> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn system_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0))
}

fn people() -> Vec<Person> {
    vec![
        Person::new("ada", Some("ada@example.com"), true).named("Ada Lovelace", "ada"),
        Person::new("grace", Some("grace@example.com"), true).named("Grace Hopper", "grace"),
        Person::new("mallory", Some("ada@example.com"), false).named("Mallory", "mallory"),
        Person::new("nobody", None, Value::Null).named("Somebody without an address", "nobody"),
    ]
}
