//! SIGTERM under load.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crudauth::testing::TestBuilder as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::support::{self, Auth, FORM, PASSWORD, TempDb, encode};
use crate::wire;

/// Set for the process that is the server: this very test, started again.
const SERVER: &str = "CRUDAUTH_TEST_SERVER";

async fn serve(url: String) {
    let auth = Auth::connect(url)
        .secret(support::SECRET)
        .cheap_hashing()
        .danger_no_limits()
        .await
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("\nlistening on {}", listener.local_addr().unwrap());
    crudauth::serve(listener, support::routes(&auth))
        .await
        .unwrap();
    auth.shutdown().await;
}

async fn start(name: &str, file: &TempDb) -> (Child, SocketAddr) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(SERVER, file.url())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    loop {
        let line = timeout(Duration::from_secs(20), lines.next_line()).await;
        let Some(line) = line.unwrap().unwrap() else {
            panic!("the server does not say where it listens");
        };
        if let Some(address) = line.strip_prefix("listening on ") {
            let address = address.parse().unwrap();
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (child, address);
        }
    }
}

async fn terminate(child: &Child) {
    let pid = child.id().unwrap().to_string();
    assert!(
        Command::new("sh")
            .args(["-c", &format!("kill -TERM {pid}")])
            .status()
            .await
            .unwrap()
            .success()
    );
}

/// What became of the requests of one client.
#[derive(Debug, Default)]
struct Tally {
    failed: u32,
    /// Connections that ended although a request had been sent whole.
    cut: u32,
}

fn request(n: u32, keep: bool) -> String {
    let connection = if keep { "keep-alive" } else { "close" };
    if n.is_multiple_of(2) {
        return format!("GET /me HTTP/1.1\r\nHost: a\r\nConnection: {connection}\r\n\r\n");
    }
    let body = format!("username=ada&password={}", encode(PASSWORD));
    format!(
        "POST /login HTTP/1.1\r\nHost: a\r\nConnection: {connection}\r\nContent-Type: {FORM}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Sends requests, one after the other, until the server takes no more, and counts the `answers`.
async fn load(address: SocketAddr, keep: bool, answers: Arc<AtomicU32>) -> Tally {
    let mut tally = Tally::default();
    'connections: while let Ok(stream) = TcpStream::connect(address).await {
        let mut connection = wire::Connection(stream);
        for n in 0.. {
            if connection
                .0
                .write_all(request(n, keep).as_bytes())
                .await
                .is_err()
            {
                tally.cut += 1;
                continue 'connections;
            }
            let mut answer = Vec::new();
            let mut chunk = [0; 4096];
            loop {
                match timeout(Duration::from_secs(15), connection.0.read(&mut chunk))
                    .await
                    .unwrap()
                {
                    Ok(0) | Err(_) => break,
                    Ok(more) => answer.extend_from_slice(&chunk[..more]),
                }
                if keep && whole(&answer) {
                    break;
                }
            }
            let text = String::from_utf8_lossy(&answer);
            match text.get(9..10) {
                None => tally.cut += 1,
                Some("2" | "4") if whole(&answer) => {
                    answers.fetch_add(1, Ordering::SeqCst);
                }
                Some(_) => tally.failed += 1,
            }
            if !keep || text.is_empty() || text.to_lowercase().contains("connection: close") {
                continue 'connections;
            }
        }
    }
    tally
}

fn whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .to_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    body.len() >= length.unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_153_sigterm_under_load_cuts_nobody_off_and_ends_in_order() {
    if let Ok(url) = std::env::var(SERVER) {
        return serve(url).await; // ends with SIGTERM, and then this process with 0
    }
    let file = TempDb::new();
    let (mut child, address) = start(
        "serve_shutdown::sec_153_sigterm_under_load_cuts_nobody_off_and_ends_in_order",
        &file,
    )
    .await;
    let register =
        serde_json::json!({"email": "ada@example.com", "username": "ada", "password": PASSWORD})
            .to_string();
    let register = format!(
        "POST /register HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{register}",
        register.len()
    );
    let mut connection = wire::Connection(TcpStream::connect(address).await.unwrap());
    assert!(connection.ask(&register).await.starts_with("HTTP/1.1 200"));
    drop(connection);
    let answers = Arc::new(AtomicU32::new(0));
    let clients: Vec<_> = (0..24)
        .map(|n| tokio::spawn(load(address, n % 2 == 0, Arc::clone(&answers))))
        .collect();
    let loaded = async {
        while answers.load(Ordering::SeqCst) <= 100 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_mins(1), loaded)
        .await
        .expect("the load builds up");

    terminate(&child).await;

    let ended = timeout(Duration::from_secs(12), child.wait())
        .await
        .expect("it ends within 10 s")
        .unwrap();
    assert!(ended.success(), "{ended:?}");
    let mut all = Tally::default();
    for client in clients {
        let tally = client.await.unwrap();
        all.failed += tally.failed;
        all.cut += tally.cut;
    }
    assert_eq!((all.failed, all.cut), (0, 0), "{all:?}");
    let db = support::pool(&file.url(), 1).await;
    assert_eq!(db.wreckage().await, [""; 0]);
}
