//! A mail server: `mailin` leads the conversation, over TLS with a certificate of its own making. It notes every byte that
//! it was sent, and fails as it is told to.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "shared by test binaries that each use a part"
)]

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use mailin::response::{AUTH_OK, INVALID_CREDENTIALS, OK, START_DATA};
use mailin::{Action, AuthMechanism, Handler, Response, SessionBuilder};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

pub const USER: &str = "mailer@example.com";
pub const PASSWORD: &str = "pass/word@MARKER";

/// When a conversation is encrypted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tls {
    Implicit,
    /// By STARTTLS, where the client asks for it; signing in only then.
    Upgraded,
    /// Somebody on the way has taken the offer out, and put one to sign in in its place.
    Stripped,
    /// Somebody on the way puts answers of their own behind the one to STARTTLS.
    Injected,
    None,
}

/// What the server does from now on.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Mood {
    #[default]
    Fine,
    /// Takes connections, and says nothing.
    Silent,
    /// Closes the connection in the middle of a message.
    ClosesInMessage,
    /// Stops reading in the middle of a message.
    HangsInMessage,
    /// Takes a message, and does not say so.
    HangsAfterMessage,
    /// Closes the connection once a message is taken.
    ClosesAfterMessage,
}

/// What came of one `MAIL FROM`.
#[derive(Debug, Clone, Default)]
pub struct Received {
    pub from: String,
    pub to: Vec<String>,
    /// The message, without the transparency of RFC 5321 §4.5.2.
    pub bytes: Vec<u8>,
}

#[derive(Default)]
struct Shared {
    received: Mutex<Vec<Received>>,
    signed_in: Mutex<usize>,
    connections: Mutex<usize>,
    /// What clients said before TLS, and after it.
    clear: Mutex<Vec<u8>>,
    wire: Mutex<Vec<u8>>,
    answers: Mutex<HashMap<&'static str, (u16, &'static str)>>,
    mood: Mutex<Mood>,
    utf8: AtomicBool,
    /// Goes up with every line of a message that arrives.
    lines: watch::Sender<usize>,
}

pub struct SmtpServer {
    pub address: SocketAddr,
    /// The certificate of the authority that the server's is from.
    pub authority: String,
    tls: Tls,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl SmtpServer {
    pub async fn start(tls: Tls) -> Self {
        Self::named(tls, "localhost").await
    }

    /// With a certificate for `name`.
    pub async fn named(tls: Tls, name: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (acceptor, authority) = certificate(name);
        let shared = Arc::new(Shared::default());
        let desk = Arc::clone(&shared);
        let serving = tokio::spawn(async move {
            let mut conversations = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                *desk.connections.lock().unwrap() += 1;
                let (desk, acceptor) = (Arc::clone(&desk), acceptor.clone());
                conversations.spawn(async move {
                    // A client that goes away is none of our concern.
                    let _ = converse(stream, tls, acceptor, desk).await;
                });
            }
        });
        Self {
            address,
            authority,
            tls,
            shared,
            serving,
        }
    }

    /// The URL for a client that signs in.
    pub fn url(&self) -> String {
        let scheme = if self.tls == Tls::Implicit {
            "smtps"
        } else {
            "smtp"
        };
        let port = self.address.port();
        let tls = if self.tls == Tls::None {
            "?tls=none"
        } else {
            ""
        };
        format!("{scheme}://mailer%40example.com:pass%2Fword%40MARKER@localhost:{port}{tls}")
    }

    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    pub fn signed_in(&self) -> usize {
        *self.shared.signed_in.lock().unwrap()
    }

    pub fn connections(&self) -> usize {
        *self.shared.connections.lock().unwrap()
    }

    /// What clients said before TLS.
    pub fn clear(&self) -> String {
        String::from_utf8_lossy(&self.shared.clear.lock().unwrap()).into_owned()
    }

    /// What clients said, as it came over the wire.
    pub fn wire(&self) -> Vec<u8> {
        self.shared.wire.lock().unwrap().clone()
    }

    /// From now on `command` is answered like this. `MESSAGE` is the end of a message.
    pub fn answer(&self, command: &'static str, code: u16, text: &'static str) {
        self.shared
            .answers
            .lock()
            .unwrap()
            .insert(command, (code, text));
    }

    pub fn answer_as_usual(&self) {
        self.shared.answers.lock().unwrap().clear();
    }

    pub fn set(&self, mood: Mood) {
        *self.shared.mood.lock().unwrap() = mood;
    }

    /// From now on it knows SMTPUTF8, which `mailin` does not.
    pub fn takes_utf8(&self) {
        self.shared.utf8.store(true, Ordering::Relaxed);
    }

    /// Returns when another line of a message has arrived.
    pub async fn reads_a_message(&self) {
        self.shared.lines.subscribe().changed().await.unwrap();
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A certificate for `name`, and the authority that it is from.
fn certificate(name: &str) -> (TlsAcceptor, String) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let root = authority.self_signed(&key).unwrap();
    let issuer = Issuer::new(authority, key);
    let own = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![name.to_owned()])
        .unwrap()
        .signed_by(&own, &issuer)
        .unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::try_from(own.serialize_der()).unwrap(),
        )
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), root.pem())
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn converse(
    stream: TcpStream,
    tls: Tls,
    acceptor: TlsAcceptor,
    shared: Arc<Shared>,
) -> io::Result<()> {
    let mut encrypted = tls == Tls::Implicit;
    let stream: Box<dyn Stream> = if encrypted {
        Box::new(acceptor.accept(stream).await?)
    } else {
        Box::new(stream)
    };
    let mut stream = BufReader::new(stream);
    if *shared.mood.lock().unwrap() == Mood::Silent {
        return std::future::pending().await;
    }
    let mut session = session(tls).build(IpAddr::V4(Ipv4Addr::LOCALHOST), Desk::new(&shared));
    if encrypted {
        session.tls_active();
    }
    stream.write_all(&session.greeting().buffer()?).await?;
    let (mut line, mut in_message, mut mood) = (Vec::new(), false, Mood::Fine);
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let heard = if encrypted {
            &shared.wire
        } else {
            &shared.clear
        };
        heard.lock().unwrap().extend_from_slice(&line);
        if !in_message {
            mood = *shared.mood.lock().unwrap(); // the one in which a message was begun lasts to its end
        }
        if in_message {
            shared.lines.send_modify(|lines| *lines += 1);
            match mood {
                Mood::ClosesInMessage => return Ok(()),
                Mood::HangsInMessage => return std::future::pending().await,
                Mood::HangsAfterMessage if line == b".\r\n" => return std::future::pending().await,
                _ => {}
            }
        }
        let ends_message = in_message && line == b".\r\n";
        let utf8 = shared.utf8.load(Ordering::Relaxed) && !in_message;
        let response = if utf8 && line.starts_with(b"MAIL ") {
            let plain = String::from_utf8(line.clone())
                .unwrap()
                .replace(" SMTPUTF8", "");
            session.process(plain.as_bytes())
        } else {
            session.process(&line)
        };
        in_message = (in_message && !ends_message) || response == START_DATA;
        let mut answer = response.buffer()?;
        if utf8 && line.starts_with(b"EHLO ") {
            answer.splice(..0, b"250-localhost\r\n250-SMTPUTF8\r\n".iter().copied());
        }
        if response.action == Action::UpgradeTls && tls == Tls::Injected {
            answer.extend_from_slice(b"250-evil\r\n250 AUTH LOGIN\r\n");
        }
        stream.write_all(&answer).await?;
        stream.flush().await?;
        match response.action {
            Action::UpgradeTls => {
                assert!(
                    stream.buffer().is_empty(),
                    "the client did not wait for the answer to STARTTLS"
                );
                let upgraded: Box<dyn Stream> =
                    Box::new(acceptor.accept(stream.into_inner()).await?);
                stream = BufReader::new(upgraded);
                session.tls_active();
                encrypted = true;
            }
            Action::Close => return Ok(()),
            Action::Reply | Action::NoReply if ends_message && mood == Mood::ClosesAfterMessage => {
                return Ok(());
            }
            Action::Reply | Action::NoReply => {}
        }
    }
}

fn session(tls: Tls) -> SessionBuilder {
    let mut builder = SessionBuilder::new("localhost");
    builder
        .enable_auth(AuthMechanism::Plain)
        .enable_auth(AuthMechanism::Login);
    match tls {
        Tls::Upgraded | Tls::Injected => {
            builder.enable_start_tls();
        }
        Tls::Stripped | Tls::None => {
            builder.insecure_enable_plaintext_auth();
        }
        Tls::Implicit => {}
    }
    builder
}

struct Desk {
    shared: Arc<Shared>,
    letter: Received,
}

impl Desk {
    fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            letter: Received::default(),
        }
    }

    fn answer(&self, command: &str, usual: Response) -> Response {
        let answers = self.shared.answers.lock().unwrap();
        match answers.get(command) {
            Some((code, text)) => Response::custom(*code, (*text).to_owned()),
            None => usual,
        }
    }
}

impl Handler for Desk {
    fn auth_plain(&mut self, _: &str, user: &str, password: &str) -> Response {
        let right = user == USER && password == PASSWORD;
        *self.shared.signed_in.lock().unwrap() += usize::from(right);
        self.answer("AUTH", if right { AUTH_OK } else { INVALID_CREDENTIALS })
    }

    fn mail(&mut self, _: IpAddr, _: &str, from: &str) -> Response {
        self.letter = Received {
            from: from.to_owned(),
            ..Received::default()
        };
        self.answer("MAIL", OK)
    }

    fn rcpt(&mut self, to: &str) -> Response {
        self.letter.to.push(to.to_owned());
        self.answer("RCPT", OK)
    }

    fn data_start(&mut self, _: &str, _: &str, _: bool, _: &[String]) -> Response {
        self.answer("DATA", START_DATA)
    }

    fn data(&mut self, line: &[u8]) -> io::Result<()> {
        self.letter.bytes.extend_from_slice(line);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let answer = self.answer("MESSAGE", OK);
        if answer.code == OK.code {
            self.shared
                .received
                .lock()
                .unwrap()
                .push(std::mem::take(&mut self.letter));
        }
        answer
    }
}
