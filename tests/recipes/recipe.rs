//! The e-mail recipe, run as the README says: its curl lines, with the answers that stand there, and the pages behind its
//! links.

#[path = "../../examples/email_password.rs"]
#[allow(dead_code, unreachable_pub, reason = "an example is a program")]
mod example;

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use crate::support::TempDb;

const CHILD: &str = "CRUDAUTH_TEST_RECIPE";

/// Not a test: what the others start as a process of its own.
#[test]
fn the_example_itself() {
    if std::env::var_os(CHILD).is_some() {
        example::main().unwrap();
    }
}

#[test]
fn the_readme_says_what_the_recipe_answers() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let (_, section) = readme.split_once("\n## With mail\n").unwrap();
    let lines: Vec<&str> = block(section, "```sh\ncurl").lines().collect();
    let mut answers = block(section, "```json\n").lines();
    let server = Server::start();
    let mut token = String::new();
    let mut asked = 0;
    for line in lines {
        if line.starts_with("TOKEN=") {
            asked += 1;
            token = server.token(asked);
            continue;
        }
        let line = line.replace("http://127.0.0.1:3000", &server.url);
        let answer = server.shell(&line, &token);
        let wanted = answers.next().expect("fewer answers than lines");
        assert!(
            fits(&answer, wanted),
            "{line}\nREADME: {wanted}\nserver: {answer}"
        );
    }
    assert_eq!(answers.next(), None, "more answers than lines");

    let said = server.stop();
    assert!(!said.contains(&token), "a token is in the output: {said}");
    assert!(said.contains("/register --json"), "{said}");
}

#[test]
fn sec_067_the_pages_behind_the_links_are_closed_to_everybody_else() {
    let server = Server::start();
    server.register();
    let token = server.token(1);
    for path in [
        "verify-email",
        "reset-password",
        "confirm-email-change",
        "undo-email-change",
    ] {
        let page = server.shell(
            &format!("curl -i '{}/{path}?token={token}'", server.url),
            "",
        );
        let (head, body) = page.split_once("\r\n\r\n").unwrap();
        let head = head.to_lowercase();
        for line in [
            "referrer-policy: no-referrer",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
            "frame-ancestors 'none'",
            "default-src 'none'",
        ] {
            assert!(head.contains(line), "{path} lacks {line}: {head}");
        }
        assert!(!head.contains("unsafe"), "{head}");
        assert!(body.contains("<button>"), "{body}");
        assert!(!body.contains(&token), "{body}");
        // Nothing that the policy would refuse: no script or style in the page, no handler in an attribute.
        assert!(
            !body.contains("<style") && !body.contains("style="),
            "{body}"
        );
        assert!(
            !body.contains(" on") && body.contains("<script src="),
            "{body}"
        );
    }
    let script = server.shell(&format!("curl -i {}/link.js", server.url), "");
    assert!(
        script
            .to_lowercase()
            .contains("content-type: text/javascript"),
        "{script}"
    );
    assert!(script.contains("history.replaceState"), "{script}");
}

#[test]
fn sec_062_opening_a_link_spends_nothing() {
    let server = Server::start();
    server.register();
    let token = server.token(1);
    for method in ["", "", "", "--head"] {
        let seen = format!("curl {method} '{}/verify-email?token={token}'", server.url);
        server.shell(&seen, "");
    }
    let press = format!(
        r#"curl {}/email/verify-confirm --json "{{\"token\":\"$TOKEN\"}}""#,
        server.url
    );
    assert_eq!(
        server.shell(&press, &token),
        r#"{"detail":"Verified successfully."}"#
    );
}

/// The block of `text` that begins so, without its fence.
fn block<'a>(text: &'a str, beginning: &str) -> &'a str {
    let at = text
        .find(beginning)
        .unwrap_or_else(|| panic!("no {beginning:?}"));
    let (_, inside) = text[at..].split_once('\n').unwrap();
    inside.split("\n```").next().unwrap()
}

/// Whether `answer` is `wanted`, in which `…` stands for anything.
fn fits(answer: &str, wanted: &str) -> bool {
    match wanted.split_once('…') {
        Some((before, after)) => answer.starts_with(before) && answer.ends_with(after),
        None => answer == wanted,
    }
}

/// The example, and a directory to be in.
struct Server {
    child: Child,
    home: PathBuf,
    url: String,
    _database: TempDb,
}

impl Server {
    fn start() -> Self {
        let home = std::env::temp_dir().join(format!("crudauth-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&home).unwrap();
        let said = File::create(home.join("said")).unwrap();
        let database = TempDb::new();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "recipe::the_example_itself", "--nocapture"])
            .env_remove("SMTP_URL")
            .env(CHILD, "1")
            .env("BIND", "127.0.0.1:0")
            .env("DATABASE_URL", database.url())
            .env("OUTBOX", home.join("outbox.jsonl"))
            .stderr(said.try_clone().unwrap())
            .stdout(said)
            .spawn()
            .unwrap();
        let mut server = Self {
            child,
            home,
            url: String::new(),
            _database: database,
        };
        server.url = until("the example to listen", || {
            let said = server.said();
            let (_, rest) = said.split_once("listening on ")?;
            Some(rest.split_once(';')?.0.to_owned())
        });
        server
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.home.join("said")).unwrap()
    }

    /// What a shell prints, with `TOKEN` set as the README has its reader set it.
    fn shell(&self, line: &str, token: &str) -> String {
        let said = Command::new("sh")
            .args([
                "-c",
                &line.replacen("curl ", "curl --silent --show-error ", 1),
            ])
            .current_dir(&self.home)
            .env("TOKEN", token)
            .output()
            .unwrap();
        assert!(
            said.stderr.is_empty(),
            "{line}: {}",
            String::from_utf8_lossy(&said.stderr)
        );
        String::from_utf8(said.stdout).unwrap()
    }

    fn register(&self) {
        let body =
            r#"{"email":"ada@example.com","username":"ada","password":"correct horse battery"}"#;
        self.shell(&format!("curl {}/register --json '{body}'", self.url), "");
    }

    /// The token in the `number`th link that was sent.
    fn token(&self, number: usize) -> String {
        until("a message", || {
            let sent = std::fs::read_to_string(self.home.join("outbox.jsonl")).ok()?;
            let links = sent.lines().filter_map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).ok()?;
                let url = line["context"]["link"].as_str()?;
                Some(url.split_once("?token=")?.1.to_owned())
            });
            links.into_iter().nth(number - 1)
        })
    }

    /// Ends it as a supervisor does, and gives what it printed.
    fn stop(mut self) -> String {
        let process = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &process]).status();
        assert!(told.unwrap().success());
        assert!(self.child.wait().unwrap().success(), "{}", self.said());
        self.said()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

/// What `look` finds, as soon as it finds something.
fn until<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    for _ in 0..1500 {
        if let Some(found) = look() {
            return found;
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    panic!("waited 30 s for {what}")
}
