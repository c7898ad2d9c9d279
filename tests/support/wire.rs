//! The application behind `crudauth::serve`, spoken to in bytes.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "shared by test binaries that each use a part"
)]

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server of its own, on a free port of this machine.
pub struct Served {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Served {
    pub async fn start(app: axum::Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = crudauth::serve(listener, app).with_graceful_shutdown(async move {
            let _ = stopped.await;
        });
        Self {
            address,
            stop: Some(stop),
            server: tokio::spawn(serve.into_future()),
        }
    }

    pub async fn connect(&self) -> Connection {
        Connection(TcpStream::connect(self.address).await.unwrap())
    }

    /// Sends bytes on a connection of their own and reads until the server closes it.
    pub async fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut connection = self.connect().await;
        connection.0.write_all(bytes.as_ref()).await.unwrap();
        connection.rest().await
    }

    /// Stops the server and waits for its end.
    pub async fn stop(mut self) {
        let _ = self.stop.take().unwrap().send(());
        self.server.await.unwrap().unwrap();
    }
}

pub struct Connection(pub TcpStream);

impl Connection {
    /// Sends a request and reads its answer; the connection stays open.
    pub async fn ask(&mut self, request: &str) -> String {
        self.0.write_all(request.as_bytes()).await.unwrap();
        self.answer().await
    }

    /// Reads one answer with a `Content-Length`.
    pub async fn answer(&mut self) -> String {
        let mut read = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&read).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head
                    .lines()
                    .filter_map(|line| line.split_once(':'))
                    .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                    .map_or(0, |(_, length)| length.trim().parse::<usize>().unwrap());
                if body.len() >= length {
                    return text;
                }
            }
            let mut chunk = [0; 4096];
            let reading = tokio::time::timeout(Duration::from_secs(20), self.0.read(&mut chunk));
            match reading.await.expect("the server answers").unwrap() {
                0 => return text,
                more => read.extend(chunk.into_iter().take(more)),
            }
        }
    }

    /// Reads until the server closes the connection; a reset is an end too.
    pub async fn rest(&mut self) -> String {
        let mut read = Vec::new();
        let reading = tokio::time::timeout(Duration::from_secs(20), self.0.read_to_end(&mut read));
        let _ = reading.await.expect("the server closes the connection");
        String::from_utf8_lossy(&read).into_owned()
    }
}
