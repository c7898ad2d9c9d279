//! Bodies that are too long, too slow or too deep, through a real socket.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;

use crate::support::{FORM, JSON, TestApp};
use crate::turn::TURN;
use crate::wire::Served;

const MIB: usize = 1 << 20;

/// Bytes of memory that this process has resident.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// Sends 100 MiB to `path` for as long as the server takes it. How much it took, and what it said.
async fn flood(served: &Served, path: &str, chunked: bool) -> (usize, String) {
    let mut connection = served.connect().await;
    let length = if chunked {
        "Transfer-Encoding: chunked".to_owned()
    } else {
        format!("Content-Length: {}", 100 * MIB)
    };
    let kind = if path == "/login" { FORM } else { JSON };
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\n{length}\r\n\r\n");
    let (mut reader, mut writer) = connection.0.split();
    writer.write_all(head.as_bytes()).await.unwrap();
    let piece = vec![b'x'; 0x10000];
    let write = async {
        let mut sent = 0;
        while sent < 100 * MIB {
            let done = async {
                if chunked {
                    writer.write_all(b"10000\r\n").await?;
                }
                writer.write_all(&piece).await?;
                if chunked {
                    writer.write_all(b"\r\n").await
                } else {
                    Ok(())
                }
            };
            if done.await.is_err() {
                break;
            }
            sent += piece.len();
        }
        sent
    };
    let read = async {
        let mut answer = Vec::new();
        // A reset after the answer is how a close looks to whoever is still sending.
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::time::timeout(Duration::from_mins(1), async { tokio::join!(write, read) })
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_132_a_hundred_mebibytes_are_refused_and_never_held() {
    let _turn = TURN.lock().await;
    let app = TestApp::start().await;
    let served = Served::start(app.router.clone()).await;
    for _ in 0..2 {
        flood(&served, "/register", true).await; // what is allocated once and kept
    }
    let before = resident();
    for path in ["/login", "/register"] {
        for chunked in [false, true] {
            let (sent, answer) = flood(&served, path, chunked).await;
            assert!(sent < 100 * MIB, "{path}: the server read all of it");
            assert!(
                answer.is_empty() || answer.starts_with("HTTP/1.1 413"),
                "{answer}"
            );
            let grown = resident().saturating_sub(before);
            assert!(
                grown < 2 * MIB,
                "{path}, chunked {chunked}: {grown} bytes more"
            );
        }
    }
    assert_eq!(app.count("SELECT count(*) FROM users").await, 0);
    assert_eq!(app.client().get("/me").await.status, 401);
}

#[tokio::test]
async fn sec_132_the_refusal_comes_at_once_and_closes_the_connection() {
    let _turn = TURN.lock().await;
    let app = TestApp::start().await;
    app.register("ada").await;
    let cookies = app.signed_in("ada").await;
    let served = Served::start(app.router.clone()).await;
    let session = format!(
        "Cookie: {}\r\nX-CSRF-Token: {}\r\n",
        cookies.cookie_header().unwrap(),
        cookies.csrf.unwrap()
    );
    for path in ["/login", "/register", "/change-password", "/set-password"] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\n{session}Content-Type: {JSON}\r\n");
        // Announced: refused before the first byte of it. Not announced: at the first byte too many.
        let announced = served
            .exchange(format!("{head}Content-Length: 65537\r\n\r\n"))
            .await;
        let chunked = format!(
            "{head}Transfer-Encoding: chunked\r\n\r\n10001\r\n{}\r\n",
            "x".repeat(65537)
        );
        let chunked = served.exchange(chunked).await;
        for answer in [announced, chunked] {
            assert!(answer.starts_with("HTTP/1.1 413"), "{path}: {answer}");
            assert!(answer.contains(r#""code":"payload_too_large""#));
            assert!(answer.to_lowercase().contains("connection: close"));
        }
        let allowed = format!(
            "{head}Connection: close\r\nContent-Length: 65536\r\n\r\n{}",
            "x".repeat(65536)
        );
        let answer = served.exchange(allowed).await;
        assert!(
            answer.starts_with("HTTP/1.1 4") && !answer.starts_with("HTTP/1.1 413"),
            "{path}: {answer}"
        );
    }
}

#[tokio::test]
async fn sec_133_deep_and_wide_bodies_are_refused() {
    let _turn = TURN.lock().await;
    let app = TestApp::start().await;
    let client = app.client();
    for depth in [33, 1000, 30_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            if nested.len() > 60_000 {
                continue;
            }
            let body = format!(
                r#"{{"email":"eve@example.com","username":"eve","password":"correct horse battery","x":{nested}}}"#
            );
            let answer = client.post_body("/register", JSON, body).await;
            assert_eq!(answer.status, 422, "{depth}");
        }
    }
    let field = |n: usize| format!("f{n}=x");
    let many: Vec<_> = (0..101).map(field).collect();
    assert_eq!(
        client
            .post_body("/login", FORM, many.join("&"))
            .await
            .json()["detail"][0]["type"],
        "too_many_fields"
    );
    let few: Vec<_> = (0..100).map(field).collect();
    assert_eq!(
        client.post_body("/login", FORM, few.join("&")).await.json()["detail"][0]["type"],
        "missing"
    );
    assert_eq!(app.count("SELECT count(*) FROM users").await, 0);
}

/// In real time, because what is measured is the server and its sockets.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_133_two_hundred_slow_clients_are_cut_off_and_hold_nobody_up() {
    let _turn = TURN.lock().await;
    let app = TestApp::start().await;
    app.register("ada").await;
    let cookies = app.signed_in("ada").await.cookie_header().unwrap();
    let served = Served::start(app.router.clone()).await;
    let ask = format!("GET /me HTTP/1.1\r\nHost: a\r\nCookie: {cookies}\r\n\r\n");
    let median = async || {
        let mut connection = served.connect().await;
        let mut times = Vec::new();
        for _ in 0..101 {
            let start = Instant::now();
            assert!(connection.ask(&ask).await.starts_with("HTTP/1.1 200"));
            times.push(start.elapsed());
        }
        times.sort();
        times[50]
    };
    let alone = median().await;
    let opened = Instant::now();
    let mut slow = Vec::new();
    for n in 0..200 {
        let mut connection = served.connect().await;
        let head = if n % 2 == 0 {
            "GET /me HTTP/1.1\r\nHost: a\r\nX-Half: sent".to_owned()
        } else {
            format!(
                "POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: {FORM}\r\nContent-Length: 100\r\n\r\nuser"
            )
        };
        connection.0.write_all(head.as_bytes()).await.unwrap();
        slow.push(connection);
    }
    let start = Instant::now();
    let beside = median().await;
    assert!(
        beside < alone * 2 + Duration::from_millis(5),
        "{alone:?} alone, {beside:?} beside 200 slow ones"
    );
    // A trickle, which earns no time; it ends well before the first of them is cut off.
    while opened.elapsed() < Duration::from_secs(7) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        for connection in &mut slow {
            connection.0.write_all(b"n").await.unwrap();
        }
    }
    for (n, connection) in slow.iter_mut().enumerate() {
        let answer = connection.rest().await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
            "{answer}"
        );
        assert!(n % 2 == 0 || answer.contains("request_timeout"), "{answer}");
        assert!(
            start.elapsed() < Duration::from_secs(15),
            "{n} was cut off after {:?}",
            start.elapsed()
        );
    }
    assert!(
        start.elapsed() > Duration::from_secs(8),
        "an honest client has ten seconds: {:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn sec_133_a_head_has_a_size() {
    let _turn = TURN.lock().await;
    let app = TestApp::start().await;
    let served = Served::start(app.router.clone()).await;
    let many = "X: y\r\n".repeat(120);
    let long = format!("X: {}\r\n", "y".repeat(40_000));
    let target = "y".repeat(40_000);
    for head in [
        format!("GET /me HTTP/1.1\r\nHost: a\r\n{many}\r\n"),
        format!("GET /me HTTP/1.1\r\nHost: a\r\n{long}\r\n"),
        format!("GET /{target} HTTP/1.1\r\nHost: a\r\n\r\n"),
    ] {
        let answer = served.exchange(&head).await;
        assert!(
            answer.starts_with("HTTP/1.1 431") || answer.starts_with("HTTP/1.1 414"),
            "{answer}"
        );
    }
}
