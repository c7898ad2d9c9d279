//! The server on a real socket: what it refuses to read, and how it ends.

use axum::Extension;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use crate::http::body::{BodyLimit, read};

use super::*;

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<io::Result<()>>,
}

async fn start(app: axum::Router, limits: Limits) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let mut serve = serve(listener, app).with_graceful_shutdown(async move {
        let _ = stopped.await;
    });
    serve.limits = limits;
    Running {
        address,
        stop,
        server: tokio::spawn(serve.into_future()),
    }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes on a connection of their own and reads until the server closes it.
    async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        read_all(&mut stream).await
    }
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let reading = stream.read_to_end(&mut read);
    let _ = tokio::time::timeout(Duration::from_secs(5), reading)
        .await
        .expect("the server closes the connection");
    String::from_utf8(read).unwrap()
}

async fn echo(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match read(BodyLimit::DEFAULT, &parts.headers, body).await {
        Ok(bytes) => bytes.into_response(),
        Err(problem) => problem.into_response(),
    }
}

#[tokio::test]
async fn sec_160_the_peer_is_visible_and_answers_have_an_id() {
    let app =
        axum::Router::new().route(
            "/",
            get(
                |Extension(Peer(peer)): Extension<Peer>,
                 ConnectInfo(info): ConnectInfo<SocketAddr>| async move {
                    assert_eq!(peer, info);
                    peer.ip().to_string()
                },
            ),
        );
    let running = start(app, Limits::DEFAULT).await;
    let answer = running
        .exchange(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("127.0.0.1"));
    assert!(answer.contains("x-request-id: "));
}

#[tokio::test]
async fn sec_133_a_head_that_trickles_in_is_cut_off() {
    let limits = Limits {
        head: Duration::from_millis(200),
        ..Limits::DEFAULT
    };
    let running = start(axum::Router::new(), limits).await;
    let mut stream = running.connect().await;
    let trickle = async {
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n")
            .await
            .unwrap();
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if stream.write_all(b"X: y\r\n").await.is_err() {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), trickle)
        .await
        .expect("the server closes the connection");
}

#[tokio::test]
async fn sec_138_requests_that_read_in_two_ways_are_refused() {
    let running = start(axum::Router::new().route("/", post(echo)), Limits::DEFAULT).await;
    let chunked = "0\r\n\r\n";
    let corpus = [
        format!(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}"
        ),
        format!(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n{chunked}"
        ),
        format!(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n{chunked}"
        ),
        format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n{chunked}"),
        format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n{chunked}"),
        format!("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}"),
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".to_owned(),
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na".to_owned(),
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 2\r\n\r\na".to_owned(),
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\na".to_owned(),
        "POST / HTTP/1.1\r\nHost: a\r\nX: a\rY: b\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\n\r\n".to_owned(),
        "POST  / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
    ];
    for request in corpus {
        let answer = running.exchange(request.as_bytes()).await;
        assert!(
            answer.starts_with("HTTP/1.1 4"),
            "{request:?} was answered {answer:?}"
        );
        assert_eq!(
            answer.matches("HTTP/1.").count(),
            1,
            "{request:?} was answered {answer:?}"
        );
    }
    let good = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    assert!(
        running
            .exchange(good.as_bytes())
            .await
            .ends_with("\r\n\r\nhi")
    );
}

#[tokio::test]
async fn sec_132_a_body_above_the_limit_closes_the_connection() {
    let running = start(axum::Router::new().route("/", post(echo)), Limits::DEFAULT).await;
    let announced = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 104857600\r\n\r\n";
    let answer = running.exchange(announced).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains(r#""code":"payload_too_large""#));
}

#[tokio::test]
async fn sec_132_a_chunked_body_above_the_limit_closes_the_connection() {
    let running = start(axum::Router::new().route("/", post(echo)), Limits::DEFAULT).await;
    let mut stream = running.connect().await;
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    stream.write_all(chunk.as_bytes()).await.unwrap();
    stream.write_all(b"1\r\nx\r\n").await.unwrap();
    assert!(read_all(&mut stream).await.starts_with("HTTP/1.1 413"));
}

#[tokio::test]
async fn sec_138_a_later_request_of_a_connection_is_looked_at_too() {
    let running = start(axum::Router::new().route("/", post(echo)), Limits::DEFAULT).await;
    let good = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
    let bad = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let answers = running
        .exchange(format!("{good}{bad}{good}").as_bytes())
        .await;
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 1, "{answers}");
    assert_eq!(answers.matches("HTTP/1.1 400").count(), 1, "{answers}");
}

#[tokio::test]
async fn too_many_header_fields_are_refused() {
    let running = start(axum::Router::new(), Limits::DEFAULT).await;
    let many = format!(
        "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
        "X: y\r\n".repeat(100)
    );
    assert!(
        running
            .exchange(many.as_bytes())
            .await
            .starts_with("HTTP/1.1 431")
    );
    let long = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
        "y".repeat(40_000)
    );
    assert!(
        running
            .exchange(long.as_bytes())
            .await
            .starts_with("HTTP/1.1 431")
    );
}

#[tokio::test]
async fn sec_135_a_panic_is_an_answer_like_any_other() {
    let app = axum::Router::new().route("/", get(async || -> &'static str { panic!("MARKER") }));
    let running = start(app, Limits::DEFAULT).await;
    let answer = running
        .exchange(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    assert!(answer.ends_with(r#"{"detail":"Internal Server Error","code":"internal_error"}"#));
    assert!(answer.contains("x-request-id: "));
}

#[tokio::test]
async fn sec_153_shutdown_lets_requests_in_flight_finish() {
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (inside, out) = (Arc::clone(&entered), Arc::clone(&leave));
    let app = axum::Router::new().route(
        "/",
        get(async move || {
            inside.notify_one();
            out.notified().await;
            "done"
        }),
    );
    let running = start(app, Limits::DEFAULT).await;
    let mut stream = running.connect().await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    entered.notified().await;

    running.stop.send(()).unwrap();
    while TcpStream::connect(running.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    leave.notify_one();

    assert!(read_all(&mut stream).await.ends_with("done"));
    running.server.await.unwrap().unwrap();
}

#[tokio::test]
async fn sec_153_shutdown_does_not_wait_for_ever() {
    let limits = Limits {
        drain: Duration::from_millis(100),
        ..Limits::DEFAULT
    };
    let app = axum::Router::new().route("/", get(std::future::pending::<&'static str>));
    let running = start(app, limits).await;
    let mut stream = running.connect().await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    running.stop.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), running.server).await;
    assert!(ended.expect("the server ends").unwrap().is_ok());
}

#[test]
fn sec_052_insecure_cookies_bind_to_loopback_only() {
    let public = "0.0.0.0:80".parse().unwrap();
    assert!(
        check_bind(public, true)
            .unwrap_err()
            .to_string()
            .contains("danger_insecure_cookies")
    );
    assert!(check_bind(public, false).is_ok());
    for loopback in ["127.0.0.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
        assert!(check_bind(loopback.parse().unwrap(), true).is_ok());
    }
}
