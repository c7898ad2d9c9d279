//! What runs in a child process.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::Request;
use tokio::net::TcpListener;
use tower::ServiceExt as _;
use tracing::field::{Field, Visit};
use tracing::span;

use super::{KINDS, cpu, handwritten, library};

/// Serves one application, and answers orders on its standard input.
pub fn serve(kind: &str, url: &str, cpu: usize, counting: bool) {
    cpu::pin(cpu);
    if counting {
        tracing::subscriber::set_global_default(Counter).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (app, listener) = runtime.block_on(async {
        let app = if kind == KINDS[0] {
            handwritten::app(url).await
        } else {
            library::app(url).await
        };
        (app, TcpListener::bind("127.0.0.1:0").await.unwrap())
    });
    let address = listener.local_addr().unwrap();
    let served = app.clone();
    if kind == KINDS[2] {
        runtime.spawn(async move { crudauth::serve(listener, served).await.unwrap() });
    } else {
        runtime.spawn(async move { axum::serve(tcp_nodelay(listener), served).await.unwrap() });
    }
    for order in std::io::stdin().lines() {
        let order = order.unwrap();
        let answer = match order.split(' ').collect::<Vec<_>>()[..] {
            ["address"] => address.to_string(),
            ["cpu"] => (cpu::time().as_secs_f64() * 1e6).to_string(),
            ["statements"] => STATEMENTS.load(Ordering::SeqCst).to_string(),
            ["call", path, requests, ..] => {
                let header = order.splitn(4, ' ').nth(3).unwrap_or_default();
                let (name, value) = header.split_once(": ").unwrap();
                let header = (name.to_owned(), value.to_owned());
                let called = call(
                    app.clone(),
                    path.to_owned(),
                    header,
                    requests.parse().unwrap(),
                );
                runtime.block_on(runtime.spawn(called)).unwrap().to_string()
            }
            _ => panic!("no such order: {order}"),
        };
        println!("{answer}");
    }
}

fn tcp_nodelay(listener: TcpListener) -> impl axum::serve::Listener<Addr = SocketAddr> {
    use axum::serve::ListenerExt as _;
    listener.tap_io(|stream| stream.set_nodelay(true).unwrap())
}

async fn call(app: axum::Router, path: String, header: (String, String), requests: usize) -> f64 {
    let before = cpu::time();
    for _ in 0..requests {
        let request = Request::get(path.as_str())
            .header("host", "localhost")
            .header(header.0.as_str(), header.1.as_str());
        let response = app
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert!(response.status().is_success());
    }
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let requests = requests as f64;
    cpu::time().saturating_sub(before).as_secs_f64() * 1e6 / requests
}

/// Counts what sqlx logs: one event for each statement, and on some products one for a COMMIT, which is none.
struct Counter;

static STATEMENTS: AtomicUsize = AtomicUsize::new(0);

impl tracing::Subscriber for Counter {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }
    fn event(&self, event: &tracing::Event<'_>) {
        let mut statement = IsStatement(true);
        event.record(&mut statement);
        STATEMENTS.fetch_add(usize::from(statement.0), Ordering::SeqCst);
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// Whether an event of the log is about a statement that counts.
struct IsStatement(bool);

impl Visit for IsStatement {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0 &= field.name() != "summary" || value != "COMMIT";
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
