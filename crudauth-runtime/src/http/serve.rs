//! The server that we recommend: hyper with limits, the peer's address, and an orderly end.

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request};
use axum::http::header::{CONNECTION, HOST, TRANSFER_ENCODING};
use axum::http::{HeaderName, HeaderValue, Version};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::Service;
use uuid::Uuid;

use super::client::Peer;
use super::framing::{Conflict, Watched};
use super::problem::Problem;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Serves `app` on `listener` until the process is told to stop (SIGTERM, SIGINT), then lets requests in flight
/// finish for up to 10 s.
///
/// A request head must arrive whole within 10 s, has at most 100 fields and 32 KiB, and cannot be read in two ways;
/// at most 10 000 connections are open at once. Requests carry [`Peer`], answers carry `X-Request-Id`, and a panic is
/// an answer of 500.
///
/// # Errors
/// Awaiting it fails if the address of `listener` cannot be told, or is not loopback while an application has asked for
/// [loopback only](require_loopback).
pub fn serve(listener: TcpListener, app: impl Into<axum::Router>) -> Serve {
    Serve {
        listener,
        app: app.into(),
        stop: Box::pin(told_to_stop()),
        limits: Limits::DEFAULT,
    }
}

/// A server that starts when it is awaited.
#[must_use = "a server does nothing unless it is awaited"]
pub struct Serve {
    listener: TcpListener,
    app: axum::Router,
    stop: BoxFuture<()>,
    limits: Limits,
}

impl Serve {
    /// Stops when `signal` is done, instead of when the process is told to.
    pub fn with_graceful_shutdown(
        mut self,
        signal: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        self.stop = Box::pin(signal);
        self
    }

    async fn run(self) -> io::Result<()> {
        check_bind(
            self.listener.local_addr()?,
            LOOPBACK_ONLY.load(Ordering::Acquire),
        )?;
        let Self {
            listener,
            app,
            mut stop,
            limits,
        } = self;
        let places = Arc::new(Semaphore::new(limits.connections));
        let graceful = GracefulShutdown::new();
        let stopping = Arc::new(AtomicBool::new(false));
        let open = |stream, peer, place| {
            let (app, stopping) = (app.clone(), Arc::clone(&stopping));
            let connection = graceful.watch(connection(stream, peer, app, limits, stopping));
            tokio::spawn(async move {
                // What ends a connection early (a reset, a head that is late or malformed) is the client's affair.
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection ended early");
                }
                drop(place);
            });
        };
        loop {
            let (stream, peer, place) = tokio::select! {
                biased;
                () = &mut stop => break,
                next = next_connection(&listener, &places) => next,
            };
            open(stream, peer, place);
        }
        stopping.store(true, Ordering::Release);
        // Whoever has connected already is served: closing the listener resets what it has not accepted.
        let listener = listener.into_std()?;
        while let (Ok(place), Ok((stream, peer))) =
            (Arc::clone(&places).try_acquire_owned(), listener.accept())
        {
            if stream.set_nonblocking(true).is_ok()
                && let Ok(stream) = TcpStream::from_std(stream)
            {
                open(stream, peer, Some(place));
            }
        }
        drop(listener);
        // hyper closes a connection without a request at once, and a request that was under way to it is lost. For a
        // moment such connections stay: a request that arrives on one is answered, with `Connection: close`.
        let every = u32::try_from(limits.connections).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout(FAREWELL.min(limits.drain), places.acquire_many(every)).await;
        if tokio::time::timeout(limits.drain, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("requests were still running when the time for an orderly end was up");
        }
        Ok(())
    }
}

impl IntoFuture for Serve {
    type Output = io::Result<()>;
    type IntoFuture = BoxFuture<io::Result<()>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Serve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("listener", &self.listener)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    head: Duration,
    drain: Duration,
    connections: usize,
}

impl Limits {
    const DEFAULT: Self = Self {
        head: Duration::from_secs(10),
        drain: Duration::from_secs(10),
        connections: 10_000,
    };
}

/// From now on [`serve`] refuses, in this process, to listen on anything but loopback. Set by applications that send
/// cookies without `Secure`, which is for development on the same machine only.
pub fn require_loopback() {
    LOOPBACK_ONLY.store(true, Ordering::Release);
}

static LOOPBACK_ONLY: AtomicBool = AtomicBool::new(false);

fn check_bind(address: SocketAddr, loopback_only: bool) -> io::Result<()> {
    if loopback_only && !address.ip().to_canonical().is_loopback() {
        let told = format!(
            "danger_insecure_cookies is on, so the server listens on loopback only, and {address} is not; \
             bind to 127.0.0.1, or remove the key and serve over HTTPS"
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, told));
    }
    Ok(())
}

/// A fresh value for `X-Request-Id`. What a client sends under that name is not taken over: it would end up in logs.
#[must_use]
pub fn request_id() -> HeaderValue {
    let mut text = Uuid::encode_buffer();
    HeaderValue::from_str(Uuid::new_v4().simple().encode_lower(&mut text))
        .unwrap_or(HeaderValue::from_static("unknown"))
}

/// The header of a request's id.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Waits for a free place, then for a client to fill it.
async fn next_connection(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (
    TcpStream,
    SocketAddr,
    Option<tokio::sync::OwnedSemaphorePermit>,
) {
    // The semaphore is never closed, so a place is always had in the end.
    let place = Arc::clone(places).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, place),
            Err(error) if is_clients(&error) => {}
            Err(error) => {
                // Out of file descriptors, most likely: other connections have to end first.
                tracing::error!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    app: axum::Router,
    limits: Limits,
    stopping: Arc<AtomicBool>,
) -> impl hyper_util::server::graceful::GracefulConnection<
    Error = hyper::Error,
    Output = Result<(), hyper::Error>,
> {
    // Without it small answers wait for the client's delayed acknowledgement; with an error, they do.
    let _ = stream.set_nodelay(true);
    let conflict = Conflict::default();
    let io = TokioIo::new(Watched::new(stream, conflict.clone()));
    let service = service_fn(move |request| {
        let (app, conflict, stopping) = (app.clone(), conflict.clone(), Arc::clone(&stopping));
        async move {
            let mut response = answer(app, request, peer, &conflict).await;
            if stopping.load(Ordering::Acquire) {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
            Ok::<_, Infallible>(response)
        }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(io, service)
}

async fn answer(
    mut app: axum::Router,
    request: Request<Incoming>,
    peer: SocketAddr,
    conflict: &Conflict,
) -> Response {
    let mut response = if is_ambiguous(&request, conflict) {
        Problem::BadRequest.into_response()
    } else {
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(ConnectInfo(peer));
        // The request is given away, and a router keeps nothing between requests that a panic could leave half-done.
        match AssertUnwindSafe(async move { app.call(request).await })
            .catch_unwind()
            .await
        {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(panic) => panicked(&*panic),
        }
    };
    response
        .headers_mut()
        .entry(X_REQUEST_ID)
        .or_insert_with(request_id);
    response
}

/// Whether two readers could disagree about where this request ends or whom it is for (RFC 9112 §6.1, §3.2).
fn is_ambiguous(request: &Request<Incoming>, conflict: &Conflict) -> bool {
    let hosts = request.headers().get_all(HOST).iter().count();
    let two_lengths = request.headers().contains_key(TRANSFER_ENCODING) && conflict.was_seen();
    two_lengths || hosts > 1 || hosts == 0 && request.version() == Version::HTTP_11
}

/// The panic hook has printed the message and the place already; the message may quote input, so it is not repeated.
fn panicked(_: &(dyn Any + Send)) -> Response {
    tracing::error!("a handler panicked");
    Problem::Internal.into_response()
}

async fn told_to_stop() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}

/// How long idle connections stay open once the server is told to stop: a round trip, generously.
const FAREWELL: Duration = Duration::from_millis(250);
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);
const MAX_HEADERS: usize = 100;
const MAX_HEAD_BYTES: usize = 32 * 1024;

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
