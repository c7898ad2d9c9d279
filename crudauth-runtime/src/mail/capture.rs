//! A mailer that keeps what it is given, for the tests of applications.

use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::{Mailer, Message, SendError};

/// Keeps messages for a test to look at, and fails, dawdles or hangs when it is told to. Clones share everything: one goes
/// to the builder, the other stays with the test.
///
/// ```
/// # use crudauth_runtime as crudauth;
/// use crudauth::mail::{Mailer, MessageKind};
/// use crudauth::testing::{self, CaptureMailer};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), crudauth::mail::SendError> {
/// let outbox = CaptureMailer::new(); // `.mailer(outbox.clone())` on the builder
/// outbox.send(&testing::message(MessageKind::ResetPassword, "ada@example.com")).await?;
///
/// let message = outbox.last_to("ada@example.com").unwrap();
/// assert_eq!(message.content.subject, "Reset your password");
/// assert!(message.context.link.unwrap().contains("/reset-password?token="));
///
/// outbox.fail_temporarily();
/// assert!(outbox.send(&testing::message(MessageKind::VerifyEmail, "bob@example.com")).await.is_err());
/// assert_eq!((outbox.messages().len(), outbox.attempts()), (1, 2));
/// # Ok(())
/// # }
/// ```
///
/// # Security
/// Equipment for tests: it sends nothing, and holds every link in memory.
#[derive(Clone, Default)]
pub struct CaptureMailer {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Goes up with every message that is kept.
    kept: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    messages: Vec<Message>,
    attempts: usize,
    mood: Mood,
    delay: Duration,
}

#[derive(Debug, Clone, Copy, Default)]
enum Mood {
    #[default]
    Delivering,
    FailingTemporarily,
    FailingPermanently,
    Hanging,
}

impl CaptureMailer {
    /// A mailer that takes everything at once.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What has been taken so far, oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.state().messages.clone()
    }

    /// What has been taken since the last call, oldest first.
    #[must_use]
    pub fn take(&self) -> Vec<Message> {
        std::mem::take(&mut self.state().messages)
    }

    /// The newest message to `address`.
    #[must_use]
    pub fn last_to(&self, address: &str) -> Option<Message> {
        let state = self.state();
        state
            .messages
            .iter()
            .rev()
            .find(|message| message.to == address)
            .cloned()
    }

    /// The links in what has been taken, oldest first.
    #[must_use]
    pub fn links(&self) -> Vec<String> {
        let state = self.state();
        state
            .messages
            .iter()
            .filter_map(|message| message.context.link.clone())
            .collect()
    }

    /// How often a message was handed over, taken or not.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.state().attempts
    }

    /// Waits until a message is there that `wanted` is true of, and returns the newest such. A message leaves after the
    /// answer to the request, so that a test has to wait for it. `None` after `patience`.
    pub async fn wait_for(
        &self,
        patience: Duration,
        mut wanted: impl FnMut(&Message) -> bool,
    ) -> Option<Message> {
        let mut kept = self.shared.kept.subscribe();
        let search = async {
            loop {
                kept.mark_unchanged();
                let found = self
                    .state()
                    .messages
                    .iter()
                    .rev()
                    .find(|message| wanted(message))
                    .cloned();
                if found.is_some() {
                    return found;
                }
                kept.changed().await.ok()?;
            }
        };
        tokio::time::timeout(patience, search).await.ok().flatten()
    }

    /// Takes messages again.
    pub fn deliver(&self) {
        self.state().mood = Mood::Delivering;
    }

    /// Refuses messages so that they are tried again.
    pub fn fail_temporarily(&self) {
        self.state().mood = Mood::FailingTemporarily;
    }

    /// Refuses messages for good.
    pub fn fail_permanently(&self) {
        self.state().mood = Mood::FailingPermanently;
    }

    /// Never answers.
    pub fn hang(&self) {
        self.state().mood = Mood::Hanging;
    }

    /// Waits this long before it takes or refuses a message.
    pub fn delay(&self, delay: Duration) {
        self.state().delay = delay;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> (Mood, Duration) {
        let mut state = self.state();
        state.attempts += 1;
        (state.mood, state.delay)
    }

    fn keep(&self, message: &Message) {
        self.state().messages.push(message.clone());
        self.shared.kept.send_modify(|kept| *kept += 1);
    }
}

impl Mailer for CaptureMailer {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async move {
            let (mood, delay) = self.begin();
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            match mood {
                Mood::Delivering => {
                    self.keep(message);
                    Ok(())
                }
                Mood::FailingTemporarily => Err(SendError::temporary("the test wants it so")),
                Mood::FailingPermanently => Err(SendError::permanent("the test wants it so")),
                Mood::Hanging => pending().await,
            }
        })
    }
}

impl fmt::Debug for CaptureMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("CaptureMailer")
            .field("mood", &state.mood)
            .field("messages", &state.messages.len())
            .finish_non_exhaustive()
    }
}
