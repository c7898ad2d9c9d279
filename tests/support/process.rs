//! Other processes: a test binary starts itself again, with one test to run, the worker. It does nothing unless a parent has
//! told it what to do.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::panic,
    reason = "shared by test binaries that each use a part"
)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::support::TempDb;

const TASK: &str = "CRUDAUTH_TEST_WORKER";

/// A worker process, its orders and its reports.
pub struct Worker {
    pub child: Child,
    orders: ChildStdin,
    pub reports: BufReader<ChildStdout>,
}

impl Worker {
    /// Returns when the test `worker` of the new process says that it is ready.
    pub fn start(worker: impl Fn(), task: &str, file: &TempDb, number: usize) -> Self {
        let mut worker = Self::spawn(worker, task, file, number);
        while worker.report() != "ready" {}
        worker
    }

    pub fn spawn(worker: impl Fn(), task: &str, file: &TempDb, number: usize) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                name_of(&worker),
                "--nocapture",
                "--test-threads=1",
            ])
            .env(TASK, format!("{task} {number} {}", file.url()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            orders: child.stdin.take().unwrap(),
            reports: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// The next line that is a report; what the test harness prints in between is none.
    pub fn report(&mut self) -> String {
        self.next_report().expect("the worker has ended")
    }

    /// None when it has ended.
    pub fn next_report(&mut self) -> Option<String> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.reports.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some((_, report)) = line.split_once("> ") {
                return Some(report.trim().to_owned());
            }
        }
    }

    pub fn go(&mut self) {
        self.tell("go");
    }

    /// One line, which [`told`] returns over there.
    pub fn tell(&mut self, order: &str) {
        self.orders.write_all(order.as_bytes()).unwrap();
        self.orders.write_all(b"\n").unwrap();
    }

    /// SIGKILL, with whatever it is doing; its last reports.
    pub fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let lines = self.reports.lines().map_while(Result::ok);
        // The last line may be cut: what was not said whole was not promised.
        lines
            .filter_map(|line| Some(line.split_once("> ")?.1.strip_suffix(" .")?.to_owned()))
            .collect()
    }
}

/// What the harness calls a test: its path without the crate.
fn name_of<F: Fn()>(_: &F) -> &'static str {
    let path = std::any::type_name::<F>();
    path.split_once("::").unwrap().1
}

/// What a worker has been told: its task, its number, and the database. None in the parent.
pub fn task() -> Option<(String, String, String)> {
    let task = std::env::var(TASK).ok()?;
    let mut words = task.splitn(3, ' ').map(str::to_owned);
    Some((words.next()?, words.next()?, words.next()?))
}

/// The next order; empty when there is no parent any more.
pub fn told() -> String {
    let line = std::io::stdin().lines().next();
    line.and_then(Result::ok).unwrap_or_default()
}

pub fn say(report: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "> {report}").unwrap();
    out.flush().unwrap();
}
