//! What the server adds: peers, proxies, framing, loopback, an orderly end.

use std::net::SocketAddr;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use crudauth::auth;
use crudauth::testing::TestBuilder as _;

use crate::support::{Client, FORM, PASSWORD, SECRET, TempDb, TestApp, User, encode};
use crate::wire;
use crate::wire::Served;

auth! {
    #[database(sqlite, postgres)]
    #[proxy(trusted_hops = 1)]
    pub struct Behind<User>;
}

/// Failed sign-ins for accounts of their own, so that only the address can be over its budget.
async fn fail(client: &Client, n: usize, headers: &[(&str, String)]) -> StatusCode {
    let mut request = client
        .request(Method::POST, "/login")
        .header("content-type", FORM);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let body = format!("username=nobody{n}&password=wrong");
    client
        .send(request.body(Body::from(body)).unwrap())
        .await
        .status
}

/// The lines in which a client may pretend to be somebody else.
fn forged(n: usize) -> Vec<Vec<(&'static str, String)>> {
    let ip = format!("203.0.113.{n}");
    vec![
        vec![("x-forwarded-for", ip.clone())],
        vec![("x-forwarded-for", format!("{ip}, 10.0.0.1"))],
        vec![("forwarded", format!("for={ip};proto=https"))],
        vec![("x-real-ip", ip.clone())],
        vec![
            ("true-client-ip", ip.clone()),
            ("cf-connecting-ip", ip.clone()),
            ("x-client-ip", ip.clone()),
        ],
        vec![
            ("x-forwarded-for", ip.clone()),
            ("x-forwarded-for", ip.clone()),
            ("x-real-ip", ip),
        ],
    ]
}

#[tokio::test]
async fn sec_040_without_a_trusted_proxy_no_header_moves_a_client_to_another_bucket() {
    for way in 0..forged(0).len() {
        let app = TestApp::start().await;
        let client = app.client();
        let mut answers = Vec::new();
        for n in 0..6 {
            answers.push(fail(&client, n, &forged(n + 1)[way]).await.as_u16());
        }
        assert_eq!(
            answers,
            [401, 401, 401, 401, 401, 429],
            "{:?}",
            forged(1)[way]
        );
        let neighbour = app.client().from("192.0.2.77");
        assert_eq!(
            fail(
                &neighbour,
                9,
                &[("x-forwarded-for", "192.0.2.1".to_owned())]
            )
            .await,
            401,
            "nobody else is locked"
        );
    }
}

async fn behind() -> (TempDb, Client) {
    let file = TempDb::new();
    let auth = Behind::connect(file.url())
        .secret(SECRET)
        .cheap_hashing()
        .manual_workers()
        .await
        .unwrap();
    (file, Client::new(auth.router()))
}

#[tokio::test]
async fn sec_040_behind_one_proxy_only_its_own_entry_counts() {
    let (_file, proxy) = behind().await;
    let chain = |spoofed: usize, client: &str| {
        vec![("x-forwarded-for", format!("203.0.113.{spoofed}, {client}"))]
    };
    for n in 0..5 {
        assert_eq!(fail(&proxy, n, &chain(n, "198.51.100.1")).await, 401);
    }
    assert_eq!(
        fail(&proxy, 5, &chain(5, "198.51.100.1")).await,
        429,
        "what the client wrote itself does not count"
    );
    assert_eq!(
        fail(&proxy, 6, &chain(0, "198.51.100.2")).await,
        401,
        "another client of the proxy"
    );
    let lines = vec![
        ("x-forwarded-for", "203.0.113.9".to_owned()),
        ("x-forwarded-for", "198.51.100.1".to_owned()),
    ];
    assert_eq!(
        fail(&proxy, 7, &lines).await,
        429,
        "two lines are one chain"
    );
    let other_headers = vec![
        ("x-forwarded-for", "198.51.100.1".to_owned()),
        ("x-real-ip", "203.0.113.1".to_owned()),
        ("forwarded", "for=203.0.113.1".to_owned()),
    ];
    assert_eq!(fail(&proxy, 8, &other_headers).await, 429);
}

#[tokio::test]
async fn sec_040_an_entry_that_is_no_address_falls_back_to_the_peer() {
    let (_file, proxy) = behind().await;
    for n in 0..5 {
        assert_eq!(
            fail(&proxy, n, &[("x-forwarded-for", format!("unknown{n}"))]).await,
            401
        );
    }
    assert_eq!(
        fail(&proxy, 5, &[("x-forwarded-for", "garbage".to_owned())]).await,
        429
    );
    assert_eq!(
        fail(&proxy, 6, &[]).await,
        429,
        "and so does a request without the header"
    );
}

/// Failed sign-ins over TCP, each on a connection of its own.
async fn fail_over(address: SocketAddr, n: usize) -> String {
    let body = format!("username=nobody{n}&password=wrong");
    let request = format!(
        "POST /login HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.{n}\r\nContent-Type: {FORM}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut connection = wire::Connection(tokio::net::TcpStream::connect(address).await.unwrap());
    connection.ask(&request).await[9..12].to_owned()
}

#[tokio::test]
async fn sec_160_both_servers_count_the_real_peer() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let ours = Served::start(app.router.clone()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let theirs = listener.local_addr().unwrap();
    let service = app
        .router
        .clone()
        .into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    let body = format!("username=ada&password={}", encode(PASSWORD));
    for address in [ours.address, theirs] {
        let request = format!(
            "POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: {FORM}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut connection =
            wire::Connection(tokio::net::TcpStream::connect(address).await.unwrap());
        assert!(connection.ask(&request).await.starts_with("HTTP/1.1 200"));
    }
    assert_eq!(
        app.count("SELECT count(*) FROM auth_sessions WHERE ip = '127.0.0.1'")
            .await,
        2
    );
    // One client at either door.
    for n in 0..5 {
        let address = if n % 2 == 0 { ours.address } else { theirs };
        assert_eq!(fail_over(address, n).await, "401");
    }
    assert_eq!(fail_over(ours.address, 5).await, "429");
    assert_eq!(fail_over(theirs, 6).await, "429");
    assert_eq!(
        fail(&app.client(), 7, &[]).await,
        401,
        "other addresses are not locked"
    );
}

#[tokio::test]
async fn sec_160_without_a_peer_address_all_share_one_bucket() {
    let app = TestApp::start().await;
    let client = app.client();
    let nobody = async |n: usize| {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/login")
            .header("content-type", FORM)
            .header("x-forwarded-for", format!("203.0.113.{n}"))
            .header("x-real-ip", format!("203.0.113.{n}"));
        let body = format!("username=nobody{n}&password=wrong");
        client
            .send(request.body(Body::from(body)).unwrap())
            .await
            .status
            .as_u16()
    };
    for n in 0..5 {
        assert_eq!(nobody(n).await, 401);
    }
    assert_eq!(nobody(5).await, 429, "an absent address is limited too");
    assert_eq!(
        fail(&client, 6, &[]).await,
        401,
        "whoever has an address is not in that bucket"
    );
}

#[tokio::test]
async fn sec_138_what_can_be_read_in_two_ways_is_refused_by_the_whole_stack() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let served = Served::start(app.router.clone()).await;
    let form = format!("username=ada&password={}", encode(PASSWORD));
    let length = form.len();
    let chunked = format!("{length:x}\r\n{form}\r\n0\r\n\r\n");
    let head = format!("POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: {FORM}\r\n");
    let smuggled = "GET /me HTTP/1.1\r\nHost: a\r\n\r\n";
    for request in [
        format!(
            "{head}Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}{smuggled}"
        ),
        format!(
            "{head}Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n\r\n{chunked}{smuggled}"
        ),
        format!("{head}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n{chunked}"),
        format!("{head}Transfer-Encoding: \x0bchunked\r\n\r\n{chunked}"),
        format!("{head}Transfer-Encoding: chunked, gzip\r\n\r\n{chunked}"),
        format!("{head}Content-Length: {length}\r\nContent-Length: 0\r\n\r\n{form}"),
        format!("{head}Content-Length: {length}, {length}\r\n\r\n{form}"),
        format!("{head}Content-Length: -1\r\n\r\n{form}"),
        format!("{head}Content-Length: 0x{length:x}\r\n\r\n{form}"),
        format!("{head}Content-Length : {length}\r\n\r\n{form}"),
        format!("{head}Content-Length: {length}\r\nX: a\rContent-Length: 0\r\n\r\n{form}"),
        format!("{head}Content-Length: {length}\r\nX: a\r\n folded\r\n\r\n{form}"),
        format!("{head}Content-Length: {length}\r\nX\0: a\r\n\r\n{form}"),
        format!(
            "POST /login HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Type: {FORM}\r\nContent-Length: {length}\r\n\r\n{form}"
        ),
        format!(
            "POST /login HTTP/1.1\r\nContent-Type: {FORM}\r\nContent-Length: {length}\r\n\r\n{form}"
        ),
        format!("POST /login\r\nHost: a\r\n\r\n{form}"),
    ] {
        let answer = served.exchange(&request).await;
        assert!(
            answer.starts_with("HTTP/1.1 4"),
            "{request:?} was answered {answer:?}"
        );
        assert_eq!(
            answer.matches("HTTP/1.1").count(),
            1,
            "{request:?} was answered {answer:?}"
        );
    }
    assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 0);
    let good = served
        .exchange(format!(
            "{head}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}"
        ))
        .await;
    assert!(good.starts_with("HTTP/1.1 200"), "{good}");
    served.stop().await;
}
