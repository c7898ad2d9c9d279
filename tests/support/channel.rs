//! Applications whose accounts are recovered by what they like, and a channel that keeps what it is asked to deliver.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    reason = "shared by test binaries that each use a part"
)]

use std::sync::{Arc, Mutex};

use crudauth::account::AuthUser;
use crudauth::mail::{BoxFuture, Channel, Intent, MessageKind, SendError};
use crudauth::testing::Clock;
use serde_json::Value;

use crate::support::{Answer, Client, Db, TempDb, fresh_address};

/// What one intent said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub id: String,
    pub kind: MessageKind,
    pub token: Option<String>,
    pub link: Option<String>,
    pub recipient: String,
    pub expires_in: u64,
}

/// Keeps intents. Clones share everything: one goes to the builder, the other stays with the test.
#[derive(Debug, Clone, Default)]
pub struct CaptureChannel {
    sent: Arc<Mutex<Vec<Sent>>>,
    mails: bool,
    fails: bool,
}

impl CaptureChannel {
    /// Text messages, as far as anybody can tell.
    pub fn new() -> Self {
        Self::default()
    }

    /// One that writes to the recipient as an e-mail address.
    pub fn mailing() -> Self {
        Self {
            mails: true,
            ..Self::default()
        }
    }

    /// One that takes nothing.
    pub fn failing() -> Self {
        Self {
            fails: true,
            ..Self::default()
        }
    }

    /// What came since the last call, oldest first.
    pub fn take(&self) -> Vec<Sent> {
        std::mem::take(&mut self.sent.lock().unwrap())
    }

    /// The one intent that came since the last call.
    pub fn one(&self) -> Sent {
        let mut sent = self.take();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.remove(0)
    }
}

impl<U: AuthUser> Channel<U> for CaptureChannel {
    fn deliver<'a>(&'a self, intent: &'a Intent<'a, U>) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async move {
            self.sent.lock().unwrap().push(Sent {
                id: intent.id.to_owned(),
                kind: intent.kind,
                token: intent.token.map(str::to_owned),
                link: intent.link.map(str::to_owned),
                recipient: intent.recipient.to_owned(),
                expires_in: intent.expires_in,
            });
            if self.fails {
                return Err(SendError::permanent("the test wants it so"));
            }
            Ok(())
        })
    }

    fn mails_recipient(&self) -> bool {
        self.mails
    }
}

/// An application, its clock, a pool beside it, and a browser.
#[derive(Debug)]
pub struct App<A> {
    pub auth: A,
    pub clock: Clock,
    pub db: Db,
    pub client: Client,
    pub file: TempDb,
}

/// Starts a block over the table of its own account type.
#[macro_export]
macro_rules! start {
    ($auth:ident<$user:ident> $(, $method:ident($value:expr))*) => {{
        use ::crudauth::testing::TestBuilder as _;
        let file = $crate::support::TempDb::new();
        let pool = $crate::support::pool(&file.url(), 5).await;
        pool.run($user::create_table_sql($crate::support::dialect())).await;
        let clock = ::crudauth::testing::Clock::manual();
        let auth = $auth::builder(pool)
            .secret($crate::support::SECRET)
            .clock(clock.clone())
            .cheap_hashing()
            .manual_workers()
            $(.$method($value))*
            .await
            .unwrap();
        $crate::channel::App {
            client: $crate::support::Client::new(auth.router()),
            db: $crate::support::pool(&file.url(), 2).await,
            auth,
            clock,
            file,
        }
    }};
}

impl<A> App<A> {
    /// From an address of its own: no limit by address is under test.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        let client = self.client.clone().from(&fresh_address());
        client.post_json(path, &body).await
    }

    pub async fn signed_in(&self, name: &str, password: &str) -> Client {
        let mut client = self.client.clone().from(&fresh_address());
        let answer = client.login(name, password).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        client
    }
}
