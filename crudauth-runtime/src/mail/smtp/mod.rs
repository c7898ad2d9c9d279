//! Messages by SMTP.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use lettre::message::Mailbox;
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use tokio::time::Instant;

use super::{AT_ONCE, Mailer, Message, PATIENCE, SendError};
use crate::error::{Error, Result};

mod dialogue;
mod letter;
mod lines;
mod server;

use dialogue::{Connection, Failure};
use letter::{Letter, Sender};
use server::{Server, Settings};

/// Hands messages to a mail server, by SMTP over TLS.
///
/// ```
/// # use crudauth_runtime as crudauth;
/// use crudauth::mail::SmtpMailer;
/// # fn url() -> String { "smtps://user:p%40ss@smtp.example.com".to_owned() }
/// # fn main() -> crudauth::Result<()> {
/// // In an application: `std::env::var("SMTP_URL")?`
/// let mailer = SmtpMailer::builder(&url(), "Example Shop <no-reply@example.com>")
///     .reply_to("help@example.com")
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// | URL | |
/// |---|---|
/// | `smtps://user:password@host` | TLS from the first byte; port 465 unless the URL says otherwise. Prefer it |
/// | `smtp://user:password@host` | STARTTLS, without which nothing is sent; port 587 |
/// | `smtp://localhost:1025?tls=none` | without TLS, to this machine only: a catcher of mail for development, a relay next door |
/// | `smtp://host?tls=danger_opportunistic` | TLS unless somebody on the way takes the offer of it out |
/// | `smtp://host?tls=danger_none` | everybody on the way reads the links |
///
/// User name and password are percent-encoded: an `@` is `%40`, a `/` is `%2F`.
///
/// **What is tried again.** An answer of 5xx about the recipient or the message drops the message. Everything else is
/// tried again: 4xx, no answer, a server that refuses *us* (the password, the sender, the address we come from), because
/// that is yours to mend and the owner of the account still waits. One attempt takes 25 s at most.
///
/// **Delivery is at least once.** Every attempt at a message has the same `Message-ID`, by which mail servers and programs
/// know a second copy.
///
/// **Addresses beyond ASCII** before the `@` are sent with SMTPUTF8 (RFC 6531), and refused for good where the server does
/// not know it.
///
/// # Security
/// The server's certificate is checked against the authorities that browsers trust, and those of
/// [`root_certificate`](SmtpMailerBuilder::root_certificate). Credentials travel over TLS or to this machine, never in the
/// clear. Neither they nor links, recipients or answers of the server are in errors, in `Debug` or in the log. (lettre,
/// which speaks SMTP here, has a cargo feature `tracing` that writes the whole conversation to the log: do not turn it on.)
///
/// A connection is used again only after a conversation that came to its end. One that was given up in the middle of a
/// message would put the next message behind the first half of the other, in somebody else's mailbox.
#[derive(Clone)]
pub struct SmtpMailer {
    shared: Arc<Shared>,
}

struct Shared {
    server: Server,
    sender: Sender,
    patience: Duration,
    idle: Mutex<Vec<(Connection, Instant)>>,
}

impl SmtpMailer {
    /// A mailer for the server at `url`, whose messages come from `from`: an address, or `Name <address>`.
    ///
    /// # Errors
    /// As [`SmtpMailerBuilder::build`].
    pub fn new(url: &str, from: &str) -> Result<Self> {
        Self::builder(url, from).build()
    }

    /// As [`new`](Self::new), with further settings.
    pub fn builder(url: &str, from: &str) -> SmtpMailerBuilder {
        SmtpMailerBuilder {
            url: url.to_owned(),
            from: from.to_owned(),
            reply_to: None,
            hello_name: None,
            roots: Vec::new(),
            patience: LONGEST,
        }
    }

    /// An open connection that still answers, or a new one.
    async fn connection(&self) -> Result<Connection, Failure> {
        loop {
            let kept = self.idle().pop();
            let Some((mut connection, since)) = kept else {
                return Connection::open(&self.shared.server).await;
            };
            if since.elapsed() < IDLE && connection.is_alive().await {
                return Ok(connection);
            }
        }
    }

    /// It is owned by this future: where the caller gives up, it goes, and is never used again.
    async fn hand_over(&self, letter: &Letter) -> Result<(), Failure> {
        let mut connection = self.connection().await?;
        connection.hand_over(letter).await?;
        let mut idle = self.idle();
        if idle.len() < AT_ONCE {
            idle.push((connection, Instant::now()));
        }
        Ok(())
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Connection, Instant)>> {
        self.shared
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mailer for SmtpMailer {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async move {
            let letter = Letter::new(&self.shared.sender, message).map_err(SendError::permanent)?;
            match tokio::time::timeout(self.shared.patience, self.hand_over(&letter)).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(Failure::Permanent(why))) => Err(SendError::permanent(why)),
                Ok(Err(Failure::Temporary(why))) => Err(SendError::temporary(why)),
                Err(_) => Err(SendError::temporary(
                    "the mail server did not answer in time",
                )),
            }
        })
    }
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpMailer")
            .field("server", &self.shared.server)
            .finish_non_exhaustive()
    }
}

/// Settings of an [`SmtpMailer`], from [`SmtpMailer::builder`].
#[derive(Clone)]
#[must_use]
pub struct SmtpMailerBuilder {
    url: String,
    from: String,
    reply_to: Option<String>,
    hello_name: Option<String>,
    roots: Vec<Vec<u8>>,
    patience: Duration,
}

impl SmtpMailerBuilder {
    /// Where answers go: an address, or `Name <address>`.
    pub fn reply_to(mut self, address: &str) -> Self {
        self.reply_to = Some(address.to_owned());
        self
    }

    /// The name by which we introduce ourselves to the server; that of the machine unless it is given.
    pub fn hello_name(mut self, name: &str) -> Self {
        self.hello_name = Some(name.to_owned());
        self
    }

    /// An authority to trust besides those that browsers trust, for a server with a certificate of your own making: its
    /// certificate in PEM.
    pub fn root_certificate(mut self, pem: &[u8]) -> Self {
        self.roots.push(pem.to_vec());
        self
    }

    /// How long one attempt may take, connecting included. 25 s unless it is given, and never more.
    pub fn timeout(mut self, patience: Duration) -> Self {
        self.patience = patience.min(LONGEST);
        self
    }

    /// The mailer. It connects when the first message is sent.
    ///
    /// # Errors
    /// Everything that is wrong with the settings, none of it with the password in it.
    pub fn build(self) -> Result<SmtpMailer> {
        let mut problems = Vec::new();
        let mut keep = |problem: String| problems.push(problem);
        let settings = Settings::parse(&self.url).map_err(&mut keep).ok();
        let from = mailbox("sender's", &self.from).map_err(&mut keep).ok();
        let reply_to = self
            .reply_to
            .as_deref()
            .map(|address| mailbox("reply-to", address));
        let reply_to = reply_to.transpose().map_err(&mut keep).ok();
        let hello = self.hello().map_err(&mut keep).ok();
        let host = settings
            .as_ref()
            .map_or("localhost", |settings| &settings.host);
        let tls = self.trust(host).map_err(&mut keep).ok();
        match (settings, from, reply_to, hello, tls) {
            (Some(settings), Some(from), Some(reply_to), Some(hello), Some(tls)) => {
                Ok(SmtpMailer {
                    shared: Arc::new(Shared {
                        server: Server {
                            settings,
                            tls,
                            hello,
                        },
                        sender: Sender { from, reply_to },
                        patience: self.patience,
                        idle: Mutex::new(Vec::new()),
                    }),
                })
            }
            _ => Err(Error::Config(problems)),
        }
    }

    fn hello(&self) -> Result<ClientId, String> {
        let Some(name) = &self.hello_name else {
            return Ok(ClientId::default());
        };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-.[]:".contains(&byte);
        if name.is_empty() || !name.bytes().all(fits) {
            return Err(
                "the name to introduce ourselves to the mail server with is none of a host"
                    .to_owned(),
            );
        }
        Ok(ClientId::Domain(name.clone()))
    }

    fn trust(&self, host: &str) -> Result<TlsParameters, String> {
        let unfit =
            || "a root certificate for the mail server is not a certificate in PEM".to_owned();
        let mut tls = TlsParameters::builder(host.to_owned());
        for pem in &self.roots {
            // A file with no certificate in it would add nothing, and nothing would be said.
            memchr::memmem::find(pem, b"-----BEGIN CERTIFICATE-----").ok_or_else(unfit)?;
            tls = tls.add_root_certificate(Certificate::from_pem(pem).map_err(|_| unfit())?);
        }
        tls.build_rustls().map_err(|_| unfit())
    }
}

impl fmt::Debug for SmtpMailerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpMailerBuilder").finish_non_exhaustive()
    }
}

fn mailbox(whose: &str, text: &str) -> Result<Mailbox, String> {
    text.parse()
        .ok()
        .filter(|mailbox: &Mailbox| {
            let address: &str = mailbox.email.as_ref();
            address.is_ascii() && !text.chars().any(char::is_control)
        })
        .ok_or_else(|| {
            format!("the {whose} address is not `address` or `Name <address>`, with an address of ASCII characters")
        })
}

/// Less than the worker's, so that it is we who end an attempt.
const LONGEST: Duration = PATIENCE.saturating_sub(Duration::from_secs(5));
/// For how long a connection is kept. Servers wait for minutes (RFC 5321 §4.5.3.2.7), what lies between often less.
const IDLE: Duration = Duration::from_secs(20);
