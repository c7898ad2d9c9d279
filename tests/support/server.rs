//! A server of PostgreSQL that a test starts and stops, from the programs of `CRUDAUTH_TEST_POSTGRES_BIN`.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    reason = "shared by test binaries that each use a part"
)]

use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// How a server ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stop {
    /// As told: it throws everybody out, and rolls back.
    Fast,
    /// As by a crash: without a word to anybody, and with a recovery at the next start.
    Immediate,
}

#[derive(Debug)]
pub struct Server {
    home: PathBuf,
    port: u16,
    password: String,
}

impl Server {
    /// A running server with a database of its own.
    pub fn start_new() -> Self {
        let id = uuid::Uuid::new_v4();
        let server = Self {
            home: std::env::temp_dir().join(format!("crudauth-server-{}", id.simple())),
            port: free_port(),
            password: uuid::Uuid::new_v4().simple().to_string(),
        };
        std::fs::create_dir(&server.home).unwrap();
        std::fs::set_permissions(&server.home, PermissionsExt::from_mode(0o700)).unwrap();
        let password = server.home.join("password");
        std::fs::write(&password, &server.password).unwrap();
        if let Some((user, group)) = owner() {
            for path in [&server.home, &password] {
                chown(path, Some(user), Some(group)).unwrap();
            }
        }
        // A superuser of the server runs programs as its owner, and a port is open to everybody on this machine.
        server.run(
            "initdb",
            &[
                "--username=postgres",
                "--pwfile=password",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ],
        );
        server.start();
        server
    }

    pub fn url(&self) -> String {
        let Self { port, password, .. } = self;
        format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres")
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn password(&self) -> &str {
        &self.password
    }

    /// Speaks TLS with that certificate and its key, from the next start on.
    pub fn speak_tls(&self, certificate: &str, key: &str) {
        let data = self.home.join("data");
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let path = data.join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
            if let Some((user, group)) = owner() {
                chown(&path, Some(user), Some(group)).unwrap();
            }
        }
        let settings = std::fs::OpenOptions::new()
            .append(true)
            .open(data.join("postgresql.conf"));
        settings.unwrap().write_all(b"ssl = on\n").unwrap();
    }

    /// Returns when it accepts connections.
    pub fn start(&self) {
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories= -c fsync=off",
            self.port
        );
        self.run(
            "pg_ctl",
            &[
                "--wait",
                "--timeout=30",
                "--log=log",
                "--options",
                &options,
                "start",
            ],
        );
    }

    /// Returns when it has ended.
    pub fn stop(&self, how: Stop) {
        let mode = match how {
            Stop::Fast => "--mode=fast",
            Stop::Immediate => "--mode=immediate",
        };
        self.run("pg_ctl", &["--wait", mode, "stop"]);
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let done = self.command(program, arguments).status();
        assert!(
            done.unwrap().success(),
            "{program} {arguments:?}: {}",
            std::fs::read_to_string(self.home.join("log")).unwrap_or_default()
        );
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let programs = std::env::var("CRUDAUTH_TEST_POSTGRES_BIN").unwrap_or_else(|_| {
            panic!("no programs of PostgreSQL: run `.ci/test`, or set CRUDAUTH_TEST_POSTGRES_BIN")
        });
        let mut command = Command::new(PathBuf::from(programs).join(program));
        command
            .current_dir(&self.home)
            .arg("--pgdata=data")
            .args(arguments);
        // The server would keep what it inherits open for as long as it lives.
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name); // what the environment says of another server
            }
        }
        if let Some((user, group)) = owner() {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self
            .command("pg_ctl", &["--wait", "--mode=immediate", "stop"])
            .status();
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

/// Whom to run it as where we are root, which PostgreSQL does not run as.
fn owner() -> Option<(u32, u32)> {
    let user = std::env::var("CRUDAUTH_TEST_POSTGRES_USER").ok()?;
    let id = |which: &str| {
        let said = Command::new("id")
            .arg(which)
            .arg(&user)
            .output()
            .unwrap()
            .stdout;
        String::from_utf8(said).unwrap().trim().parse().unwrap()
    };
    Some((id("-u"), id("-g")))
}

/// Not from the range that the system takes the ports of clients from: the server comes back to it.
fn free_port() -> u16 {
    loop {
        let random = u16::from_be_bytes(*uuid::Uuid::new_v4().as_bytes().first_chunk().unwrap());
        let port = 20000 + random % 10000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
