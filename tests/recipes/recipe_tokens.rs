//! The recipe with tokens, run as the README says: its lines in one shell, with the answers that stand there.

#[path = "../../examples/web_and_api.rs"]
#[allow(dead_code, unreachable_pub, reason = "an example is a program")]
mod example;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

const CHILD: &str = "CRUDAUTH_TEST_RECIPE";

/// Not a test: what the other one starts as a process of its own.
#[test]
fn the_example_itself() {
    if std::env::var_os(CHILD).is_some() {
        example::main().unwrap();
    }
}

#[test]
fn the_readme_says_what_the_recipe_answers() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let (_, section) = readme.split_once("\n## Tokens beside cookies\n").unwrap();
    let server = Server::start();
    let lines = block(section, "```sh\nfield()").replace("http://127.0.0.1:3000", &server.url());
    let lines = lines.replace("curl ", "curl --silent --show-error --write-out '\\n' ");

    let said = Command::new("sh").args(["-c", &lines]).output().unwrap();

    assert_eq!(String::from_utf8_lossy(&said.stderr), "", "{lines}");
    let said = String::from_utf8(said.stdout).unwrap();
    assert_eq!(said.trim_end(), block(section, "```json\n"));
}

/// The block of `text` that begins so, without its fence.
fn block<'a>(text: &'a str, beginning: &str) -> &'a str {
    let at = text.find(beginning).expect(beginning);
    let (_, inside) = text[at..].split_once('\n').unwrap();
    inside.split("\n```").next().unwrap()
}

/// The example, and a directory to be in.
struct Server {
    child: Child,
    home: PathBuf,
}

impl Server {
    fn start() -> Self {
        let home = std::env::temp_dir().join(format!("crudauth-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&home).unwrap();
        let said = File::create(home.join("said")).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "recipe_tokens::the_example_itself",
                "--nocapture",
            ])
            .current_dir(&home)
            .env(CHILD, "1")
            .env("BIND", "127.0.0.1:0")
            .env_remove("DATABASE_URL")
            .stderr(said.try_clone().unwrap())
            .stdout(said)
            .spawn()
            .unwrap();
        Self { child, home }
    }

    /// Where it listens, as soon as it says so.
    fn url(&self) -> String {
        for _ in 0..1500 {
            if let Some(url) = listening(&self.home.join("said")) {
                return url;
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        panic!("waited 30 s for the example to listen")
    }
}

fn listening(said: &Path) -> Option<String> {
    let said = std::fs::read_to_string(said).ok()?;
    let (_, rest) = said.split_once("http://127.0.0.1:")?;
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    rest.contains('\n')
        .then(|| format!("http://127.0.0.1:{port}"))
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.home);
    }
}
