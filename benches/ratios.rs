//! CPU time per request of a declared application, beside the hand-written one. See `README.md` in this directory.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot run ends"
)]
#![expect(clippy::panic, reason = "so does one whose answers are wrong")]
#![expect(unreachable_pub, reason = "nobody links to a benchmark")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use database::{Database, Product};

mod cpu;
mod database;
mod handwritten;
mod library;
mod serving;

/// The servers. The first is what the others are compared with.
const KINDS: [&str; 3] = ["hand-written", "declared", "declared-served"];

/// What is measured, and the bound of the design.
struct Path {
    name: &'static str,
    request: fn(usize, &SignedIn) -> String,
    target: &'static str,
    /// Requests under way at a time, so that a server is not woken for each.
    width: usize,
    /// Whether each hashes a password.
    hashes: bool,
}

const PATHS: [Path; 7] = [
    Path {
        name: "bare",
        request: bare,
        target: "≤ 1.02",
        width: 8,
        hashes: false,
    },
    Path {
        name: "bearer, stateless",
        request: claims,
        target: "≤ 1.05",
        width: 8,
        hashes: false,
    },
    Path {
        name: "bearer, epoch",
        request: machine,
        target: "≤ 1.05",
        width: 8,
        hashes: false,
    },
    Path {
        name: "session guard",
        request: guarded,
        target: "≤ 1.05",
        width: 8,
        hashes: false,
    },
    Path {
        name: "refresh with rotation",
        request: refresh,
        target: "≤ 1.05",
        width: 1, // each is sent with what the one before it was answered
        hashes: false,
    },
    Path {
        name: "login",
        request: login,
        target: "≤ 1.02",
        width: 1,
        hashes: true,
    },
    Path {
        name: "register",
        request: register,
        target: "—",
        width: 1,
        hashes: true,
    },
];

/// The header that opens a path.
type Opens = fn(&SignedIn) -> String;

/// What is called without HTTP, too: the path, and the header that opens it.
const CALLED: [(&str, &str, Opens); 4] = [
    ("bare", "/bare", cookie),
    ("bearer, stateless", "/claims", bearer),
    ("bearer, epoch", "/machine", bearer),
    ("session guard", "/dashboard", cookie),
];

/// What a server has given its client.
#[derive(Default)]
struct SignedIn {
    cookies: String,
    access_token: String,
    /// Of the newest generation.
    refresh_token: String,
}

fn cookie(client: &SignedIn) -> String {
    format!("cookie: {}", client.cookies)
}

fn bearer(client: &SignedIn) -> String {
    format!("authorization: Bearer {}", client.access_token)
}

fn bare(_: usize, client: &SignedIn) -> String {
    get("/bare", &cookie(client))
}

fn guarded(_: usize, client: &SignedIn) -> String {
    get("/dashboard", &cookie(client))
}

fn claims(_: usize, client: &SignedIn) -> String {
    get("/claims", &bearer(client))
}

fn machine(_: usize, client: &SignedIn) -> String {
    get("/machine", &bearer(client))
}

fn get(path: &str, header: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\n{header}\r\n\r\n"
    )
}

fn refresh(_: usize, client: &SignedIn) -> String {
    let body = format!(r#"{{"refresh_token":"{}"}}"#, client.refresh_token);
    post("/refresh", "application/json", &body)
}

fn login(_: usize, _: &SignedIn) -> String {
    sign_in("/login", "bench-1") // not the owner of the guard's session, which the cap would end
}

fn sign_in(path: &str, who: &str) -> String {
    let body = format!("username={who}&password=correct+horse+battery");
    post(path, "application/x-www-form-urlencoded", &body)
}

fn register(number: usize, _: &SignedIn) -> String {
    let who = format!(r#"{{"email":"bench-{number}@example.com","username":"bench-{number}""#);
    post(
        "/register",
        "application/json",
        &format!(r#"{who},"password":"correct horse battery"}}"#),
    )
}

fn post(path: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\nContent-Type: {kind}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

/// How much is measured.
struct Extent {
    /// Server starts.
    takes: usize,
    /// Rounds in each.
    rounds: usize,
    /// Requests in a round.
    requests: usize,
    /// Sign-ins and sign-ups in a round.
    hashes: usize,
}

fn main() {
    let mut args = std::env::args().skip_while(|arg| arg != "--serve");
    if let Some(kind) = args.nth(1) {
        let (url, cpu) = (args.next().unwrap(), args.next().unwrap());
        return serving::serve(&kind, &url, cpu.parse().unwrap(), args.next().is_some());
    }
    let extent = Extent {
        takes: cpu::setting("--takes", 9),
        rounds: cpu::setting("--rounds", 3),
        requests: cpu::setting("--requests", 3000),
        hashes: cpu::setting("--hashes", 3),
    };
    let cpus = cpu::allowed();
    let (own, theirs) = (cpus[0], cpus[cpus.len() - 1]); // servers have one to themselves, where there are two
    cpu::pin(own);
    for product in Product::wanted() {
        measure(product, &extent, theirs);
    }
}

/// Measures on `product` and prints the tables.
fn measure(product: Product, extent: &Extent, cpu: usize) {
    let statements = KINDS[..2]
        .iter()
        .map(|kind| count(kind, product, cpu))
        .collect::<Vec<_>>();
    let mut over_http = PATHS.each_ref().map(|_| vec![Vec::new(); KINDS.len()]);
    let mut called = CALLED.map(|_| vec![Vec::new(); 2]);
    // Where a process happens to lie in memory counts for some per cent, so every take has new ones.
    for _ in 0..extent.takes {
        let mut servers = KINDS.map(|kind| Server::start(kind, product, cpu, false));
        for (path, samples) in PATHS.iter().zip(&mut over_http) {
            let requests = if path.hashes {
                extent.hashes
            } else {
                extent.requests
            };
            interleave(&mut servers, samples, extent.rounds, |server| {
                server.measure(path, requests)
            });
        }
        for ((_, path, header), samples) in CALLED.iter().zip(&mut called) {
            interleave(&mut servers[..2], samples, extent.rounds, |server| {
                server.call(path, extent.requests, *header)
            });
        }
    }
    println!(
        "{product}: CPU per request over loopback HTTP: median [least, greatest] of {} rounds\n",
        extent.takes * extent.rounds
    );
    println!(
        "| path | statements, hand-written / declared | hand-written µs | declared µs | ratio | target | under crudauth::serve |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (index, (path, samples)) in PATHS.iter().zip(&over_http).enumerate() {
        let (ours, theirs) = (&samples[1], &samples[0]);
        println!(
            "| {} | {} / {} | {} | {} | {} | {} | {} |",
            path.name,
            statements[0][index],
            statements[1][index],
            micros(theirs),
            micros(ours),
            ratio(ours, theirs),
            path.target,
            ratio(&samples[2], theirs),
        );
    }
    println!("\n{product}: the same without HTTP: the router called in the process\n");
    println!("| path | hand-written µs | declared µs | ratio |");
    println!("|---|---|---|---|");
    for ((name, ..), samples) in CALLED.iter().zip(&called) {
        println!(
            "| {name} | {} | {} | {} |",
            micros(&samples[0]),
            micros(&samples[1]),
            ratio(&samples[1], &samples[0])
        );
    }
    println!();
}

/// Takes turns, each round in the other order.
fn interleave(
    servers: &mut [Server],
    samples: &mut [Vec<f64>],
    rounds: usize,
    mut measure: impl FnMut(&mut Server) -> f64,
) {
    for server in servers.iter_mut() {
        measure(server); // not counted: caches and pools fill
    }
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..servers.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for at in order {
            samples[at].push(measure(&mut servers[at]));
        }
    }
}

fn micros(samples: &[f64]) -> String {
    let (median, least, greatest) = cpu::spread(samples);
    let digits = usize::from(median < 1000.0);
    format!("{median:.digits$} [{least:.digits$}, {greatest:.digits$}]")
}

fn ratio(ours: &[f64], theirs: &[f64]) -> String {
    let rounds: Vec<f64> = ours
        .iter()
        .zip(theirs)
        .map(|(ours, theirs)| ours / theirs)
        .collect();
    let (median, least, greatest) = cpu::spread(&rounds);
    format!("{median:.3} [{least:.2}, {greatest:.2}]")
}

/// How many statements one request of each path sends, BEGIN and COMMIT apart.
fn count(kind: &str, product: Product, cpu: usize) -> [usize; PATHS.len()] {
    let mut server = Server::start(kind, product, cpu, true);
    PATHS.each_ref().map(|path| {
        let before: usize = server.ask("statements").parse().unwrap();
        server.exchange(path.request, 1_000_000_000, 1, 1);
        server.ask("statements").parse::<usize>().unwrap() - before
    })
}

/// A server in a process of its own, and the connections to it.
struct Server {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    connections: Vec<TcpStream>,
    client: SignedIn,
    registered: usize,
    /// Goes after the process.
    _database: Database,
}

impl Server {
    fn start(kind: &str, product: Product, cpu: usize, counting: bool) -> Self {
        let database = Database::create(product);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--serve", kind, &database.url(), &cpu.to_string()])
            .args(counting.then_some("--count"));
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (orders, answers) = (
            process.stdin.take().unwrap(),
            process.stdout.take().unwrap(),
        );
        let mut server = Self {
            process,
            orders,
            answers: BufReader::new(answers),
            connections: Vec::new(),
            client: SignedIn::default(),
            registered: 0,
            _database: database,
        };
        server.connect();
        server.exchange(register, 0, 2, 1);
        server.registered = 2;
        server.exchange(|_, _| sign_in("/login", "bench-0"), 0, 1, 1);
        server.exchange(|_, _| sign_in("/token", "bench-0"), 0, 1, 1);
        server
    }

    fn ask(&mut self, order: &str) -> String {
        writeln!(self.orders, "{order}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// Opens the connections anew: those that wait for long while others are measured, a server may close.
    fn connect(&mut self) {
        let address: SocketAddr = self.ask("address").parse().unwrap();
        self.connections.clear();
        for _ in 0..8 {
            let connection = TcpStream::connect(address).unwrap();
            connection.set_nodelay(true).unwrap();
            self.connections.push(connection);
        }
        self.exchange(bare, 0, 8, 8);
    }

    /// Microseconds of CPU per request.
    fn measure(&mut self, path: &Path, requests: usize) -> f64 {
        self.connect();
        let first = self.registered;
        self.registered += requests;
        let before: f64 = self.ask("cpu").parse().unwrap();
        self.exchange(path.request, first, requests, path.width);
        let after: f64 = self.ask("cpu").parse().unwrap();
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let requests = requests as f64;
        (after - before) / requests
    }

    fn call(&mut self, path: &str, requests: usize, header: fn(&SignedIn) -> String) -> f64 {
        let order = format!("call {path} {requests} {}", header(&self.client));
        self.ask(&order).parse().unwrap()
    }

    /// Sends `count` requests, keeping `width` of them under way, and keeps what the answers give a client.
    fn exchange(
        &mut self,
        request: fn(usize, &SignedIn) -> String,
        first: usize,
        count: usize,
        width: usize,
    ) {
        for number in 0..count + width {
            let connection = &mut self.connections[number % width];
            if number >= width && number - width < count {
                self.client.keep(&answer(connection));
            }
            if number < count {
                let text = request(first + number, &self.client);
                connection.write_all(text.as_bytes()).unwrap();
            }
        }
    }
}

impl SignedIn {
    fn keep(&mut self, answer: &str) {
        if let Some(token) = field(answer, "refresh_token") {
            token.clone_into(&mut self.refresh_token);
            field(answer, "access_token")
                .unwrap()
                .clone_into(&mut self.access_token);
        }
        if self.cookies.is_empty() && answer.contains("set-cookie: ") {
            let cookies = answer
                .lines()
                .filter_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next());
            self.cookies = cookies.collect::<Vec<_>>().join("; ");
        }
    }
}

/// A text in a JSON body, where there is one of that name.
fn field<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = answer.split_once(&format!("\"{name}\":\""))?;
    Some(rest.split_once('"')?.0)
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn answer(connection: &mut TcpStream) -> String {
    let (mut buffer, mut filled) = ([0; 4096], 0);
    loop {
        let read = connection.read(&mut buffer[filled..]).unwrap();
        assert!(read > 0, "the server hung up");
        filled += read;
        let text = std::str::from_utf8(&buffer[..filled]).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .unwrap();
        if body.len() == length.parse::<usize>().unwrap() {
            assert!(text.starts_with("HTTP/1.1 200"), "{text}");
            return text.to_owned();
        }
    }
}
