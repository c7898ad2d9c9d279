use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::addresses::Reach;
use super::super::connect::Hyper;
use super::super::http::{Caller, MAX_BODY};
use super::*;

/// A server on this machine that gives everybody these bytes, and how often it was called.
async fn server(answer: Vec<u8>, hang: bool) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(&answer).await;
                if hang {
                    let _ = stream.read(&mut request).await;
                    std::future::pending::<()>().await;
                }
            });
        }
    });
    (address, calls)
}

fn reply(status: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

async fn get(address: impl std::fmt::Display, path: &str) -> Result<Value, Failure> {
    let url = url::Url::parse(&format!("http://{address}{path}")).unwrap();
    let caller = Caller::new(None, Reach::of(&url)).unwrap();
    caller.json(&url, None).await
}

#[tokio::test]
async fn a_provider_on_this_machine_is_called() {
    let (address, _) = server(reply("200 OK", b"{\"a\":1}"), false).await;
    assert_eq!(get(address, "/x?y=1").await.unwrap(), json!({"a": 1}));
    let localhost = format!("localhost:{}", address.port());
    assert_eq!(get(localhost, "/").await.unwrap(), json!({"a": 1}));
}

#[tokio::test]
async fn sec_108_no_redirect_is_followed() {
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary",
        "308 Permanent",
        "304 Not",
    ] {
        let (target, calls) = server(reply("200 OK", b"{}"), false).await;
        let head = format!(
            "HTTP/1.1 {status}\r\nlocation: http://{target}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        let (address, _) = server(head.into_bytes(), false).await;
        let failure = get(address, "/").await.unwrap_err();
        assert!(failure.to_string().contains("redirect"), "{failure}");
        assert_eq!(calls.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn sec_108_an_answer_has_at_most_one_mebibyte() {
    let body = |length: usize| [vec![b' '; length - 2], b"{}".to_vec()].concat();
    let (address, _) = server(reply("200 OK", &body(MAX_BODY)), false).await;
    assert_eq!(get(address, "/").await.unwrap(), json!({}));
    let (address, _) = server(reply("200 OK", &body(MAX_BODY + 1)), false).await;
    assert!(get(address, "/").await.is_err());
    // Without an end, too: what comes is not kept to be counted afterwards.
    let endless = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), body(MAX_BODY + 1)].concat();
    let (address, _) = server(endless, true).await;
    let failure = get(address, "/").await.unwrap_err();
    assert!(failure.to_string().contains("length limit"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn sec_108_a_call_takes_at_most_five_seconds() {
    for drip in [
        Vec::new(),
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec(),
    ] {
        let (address, _) = server(drip, true).await;
        let before = tokio::time::Instant::now();
        let failure = get(address, "/").await.unwrap_err();
        assert!(failure.to_string().contains("5 seconds"), "{failure}");
        assert!(before.elapsed().as_millis() < 5100);
    }
}

#[tokio::test]
async fn sec_108_a_name_or_address_that_is_not_public_is_not_called() {
    let (address, calls) = server(reply("200 OK", b"{}"), false).await;
    let port = address.port();
    let client = Hyper::new(Reach::Public).unwrap();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "10.0.0.1",
        "169.254.169.254",
    ] {
        let request = Request::get(format!("https://{host}:{port}/"))
            .body(Vec::new())
            .unwrap();
        let failure = client.call(request).await.unwrap_err().to_string();
        assert!(failure.contains("no public address"), "{host}: {failure}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    // One on this machine opens this machine only.
    let client = Hyper::new(Reach::Loopback).unwrap();
    for host in ["10.0.0.1", "169.254.169.254"] {
        let request = Request::get(format!("http://{host}/"))
            .body(Vec::new())
            .unwrap();
        assert!(
            client
                .call(request)
                .await
                .unwrap_err()
                .to_string()
                .contains("no public address")
        );
    }
}

/// An injected client that does as it was told to.
struct Odd(fn() -> Option<Response<Vec<u8>>>);

impl HttpClient for Odd {
    fn call(&self, _: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, HttpError>> {
        Box::pin(async move {
            match (self.0)() {
                Some(answer) => Ok(answer),
                None => std::future::pending().await,
            }
        })
    }
}

#[tokio::test(start_paused = true)]
async fn sec_108_the_limits_hold_for_an_injected_client() {
    let moved = || Response::builder().status(302).body(b"{}".to_vec()).ok();
    let long = || Some(Response::new(vec![b' '; MAX_BODY + 1]));
    let url = url::Url::parse(IDP).unwrap();
    for (odd, why) in [
        (moved as fn() -> _, "redirect"),
        (long, "1 MiB"),
        (|| None, "5 seconds"),
    ] {
        let caller = Caller::new(Some(Arc::new(Odd(odd))), Reach::Public).unwrap();
        let failure = caller.json(&url, None).await.unwrap_err();
        assert!(failure.to_string().contains(why), "{failure}");
    }
    let plain = url::Url::parse("http://idp.example.com/").unwrap();
    let caller = Caller::new(Some(Arc::new(World::default())), Reach::Public).unwrap();
    let failure = caller.json(&plain, None).await.unwrap_err();
    assert!(failure.to_string().contains("https"), "{failure}");
}

#[test]
fn what_the_flows_await_can_move_between_threads() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let world = World::default();
    let clients = sso(&world);
    let client = clients.find("sso").unwrap();
    drop(is_send(client.authorize(NOW, &ask())));
    drop(is_send(client.identify(NOW, &answer())));
}
