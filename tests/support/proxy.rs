//! A TCP proxy in front of PostgreSQL that fails as networks and servers do, and knows where a message begins and ends.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    reason = "shared by test binaries that each use a part"
)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// The state of the line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Line {
    Up,
    /// Connections are cut and new ones refused.
    Down,
    /// Everything that the server says comes this much later.
    Slow(Duration),
    /// Nothing is answered and nothing closed. What was sent meanwhile arrives when it is over.
    Silent,
    /// The same, but the connections that are there now stay silent for good, to both sides.
    Lost,
}

/// Where one connection is cut, counted from the moment when it is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Cut {
    /// The server gets this many messages and does what they say; what it answers to the last of them is lost.
    AfterRequests(usize),
    /// The client gets this many messages of the server and half of the next one.
    InAnswer(usize),
    /// The client gets this many messages of the server, and then the connection is silent for good.
    SilentAfter(usize),
}

#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    line: watch::Sender<Line>,
    /// The last state of the line that new connections have met.
    served: watch::Receiver<Line>,
    knife: Knife,
    serving: JoinHandle<()>,
}

impl Proxy {
    /// In front of the server of `url`.
    pub async fn before(url: &str) -> Self {
        let upstream = place(url).to_owned();
        // Not from the range that the system takes the ports of clients from: the port is given up and taken again.
        let listener = loop {
            let port = 20000
                + u16::from_be_bytes(*uuid::Uuid::new_v4().as_bytes().first_chunk().unwrap())
                    % 10000;
            if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)).await {
                break listener;
            }
        };
        let address = listener.local_addr().unwrap();
        let (line, seen) = watch::channel(Line::Up);
        let (met, served) = watch::channel(Line::Up);
        let knife = Knife::default();
        let serving = tokio::spawn(serve(listener, upstream, seen, met, knife.clone()));
        Self {
            address,
            line,
            served,
            knife,
            serving,
        }
    }

    /// `url`, by way of the proxy. Without encryption, which would hide the messages.
    pub fn url(&self, url: &str) -> String {
        let url = url.replacen(place(url), &self.address.to_string(), 1);
        let sign = if url.contains('?') { '&' } else { '?' };
        format!("{url}{sign}sslmode=disable")
    }

    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }

    /// Cuts every connection there is; new ones are accepted.
    pub async fn hang_up(&self) {
        for line in [Line::Down, Line::Up] {
            self.set(line);
            let mut served = self.served.clone();
            served.wait_for(|served| *served == line).await.unwrap();
        }
    }

    /// Cuts one connection there.
    pub fn cut(&self, cut: Cut) {
        *self.knife.0.lock().unwrap() = Some(cut);
    }

    pub fn has_cut(&self) -> bool {
        self.knife.0.lock().unwrap().is_none()
    }

    /// Whether it has been cut by now. From here on it is not.
    pub fn was_cut(&self) -> bool {
        self.knife.0.lock().unwrap().take().is_none()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Host and port of a URL.
fn place(url: &str) -> &str {
    let (_, rest) = url.split_once("://").unwrap();
    let authority = rest.split('/').next().unwrap();
    let place = authority.rsplit('@').next().unwrap();
    assert!(place.contains(':'), "CRUDAUTH_TEST_POSTGRES names no port");
    place
}

#[derive(Debug, Clone, Default)]
struct Knife(Arc<Mutex<Option<Cut>>>);

/// What becomes of a message.
enum Fate {
    Passes,
    /// And nothing after it.
    IsLast,
    IsHalved,
    IsLost,
}

impl Knife {
    fn request(&self) -> Fate {
        let mut cut = self.0.lock().unwrap();
        let Some(Cut::AfterRequests(left)) = &mut *cut else {
            return Fate::Passes;
        };
        let fate = match *left {
            0 => Fate::IsLost,
            1 => Fate::IsLast,
            _ => {
                *left -= 1;
                return Fate::Passes;
            }
        };
        *cut = None;
        fate
    }

    fn answer(&self) -> Fate {
        let mut cut = self.0.lock().unwrap();
        let (left, fate) = match &mut *cut {
            Some(Cut::InAnswer(left)) => (left, Fate::IsHalved),
            Some(Cut::SilentAfter(left)) => (left, Fate::IsLost),
            _ => return Fate::Passes,
        };
        if *left > 0 {
            *left -= 1;
            return Fate::Passes;
        }
        *cut = None;
        fate
    }
}

async fn serve(
    listener: TcpListener,
    server: String,
    mut line: watch::Receiver<Line>,
    met: watch::Sender<Line>,
    knife: Knife,
) {
    let address = listener.local_addr().unwrap();
    let mut listener = Some(listener);
    let mut open = JoinSet::new();
    loop {
        match &listener {
            Some(listener) => tokio::select! {
                accepted = listener.accept() => {
                    let (client, _) = accepted.unwrap();
                    open.spawn(relay(client, server.clone(), line.clone(), knife.clone()));
                }
                changed = line.changed() => if changed.is_err() { return },
            },
            None => {
                if line.changed().await.is_err() {
                    return;
                }
            }
        }
        let now = *line.borrow_and_update();
        if now == Line::Down {
            listener = None;
            open.shutdown().await;
        } else if listener.is_none() {
            listener = Some(TcpListener::bind(address).await.unwrap());
        }
        met.send_replace(now);
    }
}

async fn relay(client: TcpStream, server: String, line: watch::Receiver<Line>, knife: Knife) {
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    for socket in [&client, &server] {
        socket.set_nodelay(true).unwrap();
    }
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let mut seen = line.clone();
    tokio::select! {
        () = requests(&mut from_client, &mut to_server, line.clone(), &knife) => {}
        ended = answers(&mut from_server, &mut to_client, line, &knife) => if ended == Ended::Silent {
            std::future::pending::<()>().await;
        },
        () = lost(&mut seen) => std::future::pending().await,
    }
    // The server does what it was told before it sees that nobody is there any more; only then the client is told.
    let _ = to_server.shutdown().await;
    let _ = tokio::time::timeout(Duration::from_secs(1), async {
        let mut rest = [0; 4096];
        while from_server.read(&mut rest).await.is_ok_and(|read| read > 0) {}
    })
    .await;
}

async fn lost(line: &mut watch::Receiver<Line>) {
    if line.wait_for(|line| *line == Line::Lost).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Until the line lets a message of the client through.
async fn gate(line: &mut watch::Receiver<Line>) {
    let _ = line
        .wait_for(|line| !matches!(line, Line::Silent | Line::Lost))
        .await;
}

async fn requests(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    mut line: watch::Receiver<Line>,
    knife: &Knife,
) {
    let mut frames = Frames {
        head: 0, // the first message has no type
        buffer: Vec::new(),
    };
    while frames.read(from).await {
        while let Some(message) = frames.next() {
            gate(&mut line).await;
            let fate = knife.request();
            if matches!(fate, Fate::IsLost) || to.write_all(&message).await.is_err() {
                return;
            }
            if matches!(fate, Fate::IsLast) {
                return;
            }
            frames.head = 1;
        }
    }
    gate(&mut line).await; // nor does anybody hear that the client has gone
}

#[derive(PartialEq)]
enum Ended {
    Cut,
    /// And nobody hears of it.
    Silent,
}

async fn answers(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    mut line: watch::Receiver<Line>,
    knife: &Knife,
) -> Ended {
    let mut frames = Frames {
        head: 1,
        buffer: Vec::new(),
    };
    while frames.read(from).await {
        let now = *line.borrow_and_update();
        if let Line::Slow(delay) = now {
            let _ = tokio::time::timeout(delay, line.wait_for(|line| *line != now)).await;
        }
        gate(&mut line).await;
        while let Some(message) = frames.next() {
            let end = match knife.answer() {
                Fate::IsLost => return Ended::Silent,
                Fate::IsHalved => message.len() / 2,
                _ => message.len(),
            };
            let part = message.get(..end).unwrap();
            if to.write_all(part).await.is_err() || part.len() < message.len() {
                return Ended::Cut;
            }
        }
    }
    Ended::Cut
}

/// Messages: a type of one byte, except in a client's first one, and a length that counts itself and what follows.
struct Frames {
    head: usize,
    buffer: Vec<u8>,
}

impl Frames {
    /// Whether there is more.
    async fn read(&mut self, from: &mut OwnedReadHalf) -> bool {
        from.read_buf(&mut self.buffer)
            .await
            .is_ok_and(|read| read > 0)
    }

    fn next(&mut self) -> Option<Vec<u8>> {
        let length = self.buffer.get(self.head..)?.first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap();
        let end = self.head + length;
        (self.buffer.len() >= end).then(|| self.buffer.drain(..end).collect())
    }
}
