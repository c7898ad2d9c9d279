//! A conversation with a mail server, command by command.
//!
//! lettre's own transport would take care of it, but answers whether a message may be tried again from the code alone: a
//! password that is no longer right (535) and a mailbox that does not exist (550) would be one thing. And its pool takes a
//! connection back that was given up in the middle of a message.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::DEFAULT_MECHANISMS;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::letter::Letter;
use super::lines::LineByLine;
use super::server::{Encryption, Server};

/// Why a message was not taken: a sentence for the log, with nothing in it that the server said but its codes. What
/// servers say repeats the recipient.
pub(super) enum Failure {
    Permanent(String),
    Temporary(String),
}

pub(super) struct Connection {
    smtp: AsyncSmtpConnection,
}

impl Connection {
    /// Connects, encrypts and signs in.
    pub(super) async fn open(server: &Server) -> Result<Self, Failure> {
        let mut smtp = greet(server).await?;
        if let Some(credentials) = &server.settings.credentials {
            // `Settings::parse` has seen to it that this is over TLS, or to this machine.
            smtp.auth(DEFAULT_MECHANISMS, credentials).await.map_err(|error| {
                let failure = Step::SignIn.failed(&error);
                if error.is_permanent() || error.is_client() {
                    tracing::error!(
                        host = server.settings.host,
                        "the mail server refuses user name and password: messages wait until its URL is right"
                    );
                }
                failure
            })?;
        }
        Ok(Self { smtp })
    }

    /// Whether the server still listens.
    pub(super) async fn is_alive(&mut self) -> bool {
        timeout(ASKING, self.smtp.test_connected())
            .await
            .unwrap_or(false)
    }

    /// Hands one message over.
    pub(super) async fn hand_over(&mut self, letter: &Letter) -> Result<(), Failure> {
        let smtp = &mut self.smtp;
        let knows = |extension| smtp.server_info().supports_feature(extension);
        let mut parameters = Vec::new();
        if letter.needs_utf8() {
            if !knows(Extension::SmtpUtfEight) {
                return Err(Failure::Permanent(
                    "the mail server takes only ASCII addresses (it has no SMTPUTF8)".to_owned(),
                ));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if letter.needs_8bit() && knows(Extension::EightBitMime) {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let failed = |step: Step| move |error: Error| step.failed(&error);
        smtp.command(Mail::new(Some(letter.from.clone()), parameters))
            .await
            .map_err(failed(Step::Sender))?;
        smtp.command(Rcpt::new(letter.to.clone(), Vec::new()))
            .await
            .map_err(failed(Step::Recipient))?;
        smtp.command(Data).await.map_err(failed(Step::Message))?;
        smtp.message(&letter.bytes)
            .await
            .map_err(failed(Step::Message))?;
        Ok(())
    }
}

/// Up to the point at which the server may be told something, encrypted as the settings say.
async fn greet(server: &Server) -> Result<AsyncSmtpConnection, Failure> {
    let settings = &server.settings;
    let address = (settings.host.as_str(), settings.port);
    let (tls, hello) = (&server.tls, &server.hello);
    if settings.encryption == Encryption::Implicit {
        return AsyncSmtpConnection::connect_tokio1(
            address,
            Some(CONNECTING),
            hello,
            Some(tls.clone()),
            None,
        )
        .await
        .map_err(|error| Step::Greeting.failed(&error));
    }
    let stream = match timeout(CONNECTING, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(Failure::Temporary(format!("{}: {error}", Step::Greeting))),
        Err(_) => {
            return Err(Failure::Temporary(format!(
                "{}: nobody answered",
                Step::Greeting
            )));
        }
    };
    let mut smtp =
        AsyncSmtpConnection::connect_with_transport(Box::new(LineByLine::new(stream)), hello)
            .await
            .map_err(|error| Step::Greeting.failed(&error))?;
    match settings.encryption {
        Encryption::None => return Ok(smtp),
        Encryption::Opportunistic if !smtp.can_starttls() => return Ok(smtp),
        Encryption::Required if !smtp.can_starttls() => {
            return Err(Failure::Temporary(
                "the mail server offers no TLS, or somebody on the way has taken the offer out; nothing was sent".to_owned(),
            ));
        }
        _ => {}
    }
    smtp.starttls(tls.clone(), hello)
        .await
        .map_err(|error| Step::Encryption.failed(&error))?;
    Ok(smtp)
}

/// How far the conversation came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Greeting,
    Encryption,
    SignIn,
    Sender,
    Recipient,
    Message,
}

impl Step {
    /// What is to be done about `error`. Before the recipient is named, the server refuses us, and not the message.
    fn failed(self, error: &Error) -> Failure {
        let Some(code) = error.status().map(u16::from) else {
            return Failure::Temporary(format!("{self}: {}", described(error)));
        };
        let ours = !matches!(self, Self::Recipient | Self::Message) || ABOUT_US.contains(&code);
        let why = match enhanced(error) {
            Some(enhanced) => format!("{self}: the mail server answered {code} {enhanced}"),
            None => format!("{self}: the mail server answered {code}"),
        };
        if error.is_permanent() && !ours {
            Failure::Permanent(why)
        } else {
            Failure::Temporary(why)
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "when connecting",
            Self::Encryption => "when encrypting",
            Self::SignIn => "when signing in",
            Self::Sender => "when naming the sender",
            Self::Recipient => "when naming the recipient",
            Self::Message => "when handing the message over",
        })
    }
}

/// An error that is no answer. One about an answer that could not be read would repeat it.
fn described(error: &Error) -> String {
    if error.is_response() {
        "the mail server closed the connection, or its answer is not SMTP".to_owned()
    } else if error.is_client() {
        "the mail server offers nothing that we know".to_owned()
    } else {
        error.to_string()
    }
}

/// The code of RFC 3463 with which an answer begins where the server has such, as `5.1.1`.
fn enhanced(error: &Error) -> Option<String> {
    let said = error.source()?.to_string();
    let code = said.split_whitespace().next()?;
    let mut parts = code.split('.');
    let numeric = |part: Option<&str>| {
        part.is_some_and(|part| {
            (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    (numeric(parts.next())
        && numeric(parts.next())
        && numeric(parts.next())
        && parts.next().is_none())
    .then(|| code.to_owned())
}

/// RFC 4954 §6 (authentication), and commands in an order that the server does not like.
const ABOUT_US: [u16; 5] = [503, 530, 534, 535, 538];
const CONNECTING: Duration = Duration::from_secs(10);
/// How long a connection that was idle may take to say that it still works.
const ASKING: Duration = Duration::from_secs(5);
