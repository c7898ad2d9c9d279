//! Messages to the owner of an account: what they say, and who carries them.
//!
//! A flow never sends anything. It writes a row of the outbox in its own transaction; a worker makes the message and
//! hands it over when the answer is on its way, and again until it is taken (SEC-156).

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::account::AuthUser;

/// What [`Mailer`] and [`Channel`] return: `Box::pin(async move { … })` makes one.
pub use futures_util::future::BoxFuture;

mod capture;
mod console;
pub(crate) mod frontend;
mod html;
mod json_lines;
mod message;
pub(crate) mod outlets;
#[cfg(feature = "smtp")]
mod smtp;
mod templates;

pub use capture::CaptureMailer;
pub use console::ConsoleMailer;
pub use json_lines::JsonLinesMailer;
pub use message::{Content, Message, MessageContext, MessageKind};
#[cfg(feature = "smtp")]
pub use smtp::{SmtpMailer, SmtpMailerBuilder};
pub use templates::render;

/// Carries e-mail. One is given to the builder of a block that declares `#[email]`.
///
/// It is called by a background worker, up to [`AT_ONCE`] times at once, with no database connection held, and given
/// [`PATIENCE`] for each message. A message may come twice (a process that ends between the delivery and its record): both
/// have the same [`Message::id`].
///
/// `SmtpMailer` (cargo feature `smtp`), [`ConsoleMailer`] and [`JsonLinesMailer`] are there; one for the API of a mail service
/// is this much:
///
/// ```
/// # use crudauth_runtime as crudauth;
/// use crudauth::mail::{BoxFuture, Mailer, Message, SendError};
/// # struct Service;
/// # struct Refused { for_good: bool }
/// # impl Service {
/// #     async fn post(&self, key: &str, to: &str, subject: &str, text: &str) -> Result<(), Refused> { Ok(()) }
/// # }
///
/// struct ServiceMailer(Service);
///
/// impl Mailer for ServiceMailer {
///     fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
///         Box::pin(async move {
///             let content = &message.content;
///             let sent = self.0.post(&message.id, &message.to, &content.subject, &content.text).await;
///             sent.map_err(|refused| match refused {
///                 Refused { for_good: true } => SendError::permanent("the service refuses the message"),
///                 Refused { for_good: false } => SendError::temporary("the service does not answer"),
///             })
///         })
///     }
/// }
/// ```
///
/// # Security
/// A message holds a link that opens the account, and the recipient's address: put neither into a log or an error, and send
/// them over TLS. Write to [`Message::to`] and to nothing else, as it is: it is the address in the account's row, and another
/// spelling may be another person's mailbox (CVE-2019-19844).
pub trait Mailer: Send + Sync + 'static {
    /// Hands `message` over.
    ///
    /// # Errors
    /// [`SendError`], which says whether to try again. Its text goes to the log: it should name neither the link nor the
    /// recipient.
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>>;
}

impl<T: Mailer + ?Sized> Mailer for Box<T> {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        (**self).send(message)
    }
}

impl<T: Mailer + ?Sized> Mailer for Arc<T> {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        (**self).send(message)
    }
}

/// Delivers by whatever way the application has: text messages, a push, a mail service of its own. At least one is given to
/// the builder of a block that declares `#[channel]`.
///
/// Called as a [`Mailer`] is. Channels are called one after the other; one that fails is logged, and does not keep the
/// others from being called.
pub trait Channel<U: AuthUser>: Send + Sync + 'static {
    /// Delivers `intent`.
    ///
    /// # Errors
    /// [`SendError`], which says whether to try again. Its text goes to the log.
    fn deliver<'a>(&'a self, intent: &'a Intent<'a, U>) -> BoxFuture<'a, Result<(), SendError>>;

    /// Whether it writes to [`Intent::recipient`] as an e-mail address. Only such a channel is asked to confirm a change
    /// of address: whoever is reached elsewhere has not proven the new one.
    fn mails_recipient(&self) -> bool {
        false
    }
}

impl<U: AuthUser, T: Channel<U> + ?Sized> Channel<U> for Box<T> {
    fn deliver<'a>(&'a self, intent: &'a Intent<'a, U>) -> BoxFuture<'a, Result<(), SendError>> {
        (**self).deliver(intent)
    }

    fn mails_recipient(&self) -> bool {
        (**self).mails_recipient()
    }
}

impl<U: AuthUser, T: Channel<U> + ?Sized> Channel<U> for Arc<T> {
    fn deliver<'a>(&'a self, intent: &'a Intent<'a, U>) -> BoxFuture<'a, Result<(), SendError>> {
        (**self).deliver(intent)
    }

    fn mails_recipient(&self) -> bool {
        (**self).mails_recipient()
    }
}

/// What a [`Channel`] is asked to deliver.
#[non_exhaustive]
pub struct Intent<'a, U> {
    /// The same for every attempt at this message, so that a second delivery can be told.
    pub id: &'a str,
    /// What it is about.
    pub kind: MessageKind,
    /// The single-use secret that proves the recipient. `None` for notices.
    pub token: Option<&'a str>,
    /// The link that carries it, where the frontend's address is known.
    pub link: Option<&'a str>,
    /// Whose account it is.
    pub user: &'a U,
    /// Where to: the value in the account's row, or the new address for [`MessageKind::ChangeEmail`].
    pub recipient: &'a str,
    /// Whole seconds until the token expires; 0 for notices.
    pub expires_in: u64,
}

impl<U> fmt::Debug for Intent<'_, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intent")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Changes what messages say. Given to the builder; without one, and for every kind it returns `None` for, the built-in
/// texts are used.
pub trait Templates: Send + Sync + 'static {
    /// Subject and body of the message that `context` describes.
    ///
    /// # Security
    /// Do not look anything of the user's up to put it in: a name that its owner chose is how an attacker writes to
    /// strangers in your name (SEC-095).
    fn render(&self, context: &MessageContext) -> Option<Content>;
}

/// Why a message was not taken.
#[derive(Debug)]
#[non_exhaustive]
pub enum SendError {
    /// It will never be: there is no such mailbox, the message is refused. It is dropped, and an error is logged.
    Permanent(Box<dyn StdError + Send + Sync>),
    /// Perhaps later: nobody answered. It is tried again, after 5 s first, then after ever longer waits.
    Temporary(Box<dyn StdError + Send + Sync>),
}

impl SendError {
    /// An error after which the message is dropped.
    pub fn permanent(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Permanent(error.into())
    }

    /// An error after which the message is tried again.
    pub fn temporary(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Temporary(error.into())
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permanent(error) => write!(f, "the message was refused: {error}"),
            Self::Temporary(error) => write!(f, "the message could not be handed over: {error}"),
        }
    }
}

impl StdError for SendError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Permanent(error) | Self::Temporary(error) => Some(&**error),
        }
    }
}

/// Messages that one process hands over at once.
pub const AT_ONCE: usize = 8;
/// Longest that one attempt to hand a message over may take.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
