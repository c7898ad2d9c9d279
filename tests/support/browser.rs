//! A real browser: headless Chromium, led through chromedriver by the W3C `WebDriver` protocol. It reaches this machine and
//! nothing else, and begins with an empty profile.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "shared by test binaries that each use a part"
)]

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::http::call;

/// A browser with one window. Both programs end when this is dropped.
#[derive(Debug)]
pub struct Browser {
    /// The session at the driver, as a URL.
    session: String,
    programs: [Child; 2],
    profile: PathBuf,
}

impl Browser {
    pub async fn start() -> Self {
        let profile = std::env::temp_dir().join(format!("crudauth-browser-{}", Uuid::new_v4()));
        fs::create_dir(&profile).unwrap();
        let mut chromium = Command::new("chromium")
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("chromium: {error}; `.ci/test` installs it"));
        let said = said_by(
            chromium.stderr.take().unwrap(),
            "DevTools listening on ws://",
        );
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver: {error}; `.ci/test` installs it"));
        let port = said_by(driver.stdout.take().unwrap(), "successfully on port ");
        let (said, port) = tokio::join!(said, port);
        let devtools = said.split('/').next().unwrap().to_owned();
        let driver_url = format!("http://127.0.0.1:{}", port.trim_end_matches('.'));
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "debuggerAddress": devtools },
            "timeouts": { "implicit": MILLISECONDS, "pageLoad": MILLISECONDS, "script": MILLISECONDS },
        } } });
        let session = command("POST", &format!("{driver_url}/session"), &wanted).await;
        let id = session["sessionId"].as_str().unwrap();
        Self {
            session: format!("{driver_url}/session/{id}"),
            programs: [driver, chromium],
            profile,
        }
    }

    /// Returns when the page is loaded.
    pub async fn goto(&self, url: &str) {
        self.post("url", &json!({ "url": url })).await;
    }

    /// Where the window is.
    pub async fn url(&self) -> String {
        text(&self.get("url").await)
    }

    pub async fn title(&self) -> String {
        text(&self.get("title").await)
    }

    /// What a reader sees of the first element that a CSS selector finds. Like all that follow, it waits for one to appear.
    pub async fn text(&self, css: &str) -> String {
        let element = self.find(css).await;
        text(&self.get(&format!("{element}/text")).await)
    }

    pub async fn attribute(&self, css: &str, name: &str) -> Option<String> {
        let element = self.find(css).await;
        let found = self.get(&format!("{element}/attribute/{name}")).await;
        found.as_str().map(str::to_owned)
    }

    pub async fn click(&self, css: &str) {
        let element = self.find(css).await;
        self.post(&format!("{element}/click"), &json!({})).await;
    }

    /// Clicks on what leads to another page. Returns when that is loaded, at the end of all redirections: a form is sent a
    /// moment after the click on its button.
    pub async fn follow(&self, css: &str) {
        self.script("window.left = true").await;
        self.click(css).await;
        self.until("!window.left").await;
    }

    /// Returns when the window is at this URL, whatever leads there.
    pub async fn arrives_at(&self, url: &str) {
        self.until(&format!("location.href === {}", json!(url)))
            .await;
    }

    /// Returns when an expression is true in a page that is loaded.
    pub async fn until(&self, expression: &str) {
        let body = format!("return document.readyState === 'complete' && !!({expression})");
        let script = json!({ "script": body, "args": [] });
        let asked = async {
            // Between two pages there is nothing that could be asked.
            while self.try_post("execute/sync", &script).await != Ok(Value::Bool(true)) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        let asked = timeout(PATIENCE, asked).await;
        let url = self.url().await;
        assert!(asked.is_ok(), "`{expression}` is not so at {url}");
    }

    /// Writes into a field, behind what is in it.
    pub async fn write(&self, css: &str, text: &str) {
        let element = self.find(css).await;
        self.post(&format!("{element}/value"), &json!({ "text": text }))
            .await;
    }

    /// The body of a function in the page; what it returns, or what the promise that it returns comes to.
    pub async fn script(&self, body: &str) -> Value {
        let script = json!({ "script": body, "args": [] });
        self.post("execute/sync", &script).await
    }

    /// The cookies that the window's page would be sent with, those that scripts do not see too.
    pub async fn cookies(&self) -> Vec<Value> {
        self.get("cookie").await.as_array().unwrap().clone()
    }

    /// One of [`cookies`](Self::cookies).
    pub async fn cookie(&self, name: &str) -> Option<Value> {
        let all = self.cookies().await;
        all.into_iter().find(|cookie| cookie["name"] == name)
    }

    /// A picture of the window, as PNG.
    pub async fn screenshot(&self) -> Vec<u8> {
        let picture = self.get("screenshot").await;
        STANDARD.decode(text(&picture)).unwrap()
    }

    async fn find(&self, css: &str) -> String {
        let found = self
            .post("element", &json!({ "using": "css selector", "value": css }))
            .await;
        format!("element/{}", text(&found[ELEMENT]))
    }

    async fn get(&self, of: &str) -> Value {
        command("GET", &format!("{}/{of}", self.session), &Value::Null).await
    }

    async fn try_post(&self, of: &str, body: &Value) -> Result<Value, String> {
        try_command("POST", &format!("{}/{of}", self.session), body).await
    }

    async fn post(&self, of: &str, body: &Value) -> Value {
        command("POST", &format!("{}/{of}", self.session), body).await
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        for program in &mut self.programs {
            let _ = program.start_kill();
        }
        // What is killed is not gone at once, and Chromium's helpers go after it; until then they may write.
        for _ in 0..500 {
            let mut gone = self.programs.iter_mut();
            let gone = gone.all(|program| matches!(program.try_wait(), Ok(Some(_))));
            if gone && fs::remove_dir_all(&self.profile).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// What stands behind `mark` on the line that has it. What is said after that is read too: a program that finds its pipe full
/// stops.
pub async fn said_by(stream: impl AsyncRead + Send + Unpin + 'static, mark: &str) -> String {
    let mut lines = BufReader::new(stream).lines();
    let mut said = String::new();
    let found = timeout(PATIENCE, async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some((_, rest)) = line.split_once(mark) {
                return Some(rest.to_owned());
            }
            said.push_str(&line);
            said.push('\n');
        }
        None
    })
    .await;
    let Ok(Some(found)) = found else {
        panic!("no line with `{mark}`, but:\n{said}");
    };
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    found
}

/// One command to the driver; its value.
async fn command(method: &str, url: &str, body: &Value) -> Value {
    let done = try_command(method, url, body).await;
    done.unwrap_or_else(|error| panic!("{method} {url} {body}: {error}"))
}

async fn try_command(method: &str, url: &str, body: &Value) -> Result<Value, String> {
    let text = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let json = [("content-type", "application/json")];
    let reply = timeout(PATIENCE * 2, call(method, url, &json, &text)).await;
    let reply = reply.map_err(|_| "no answer".to_owned())?;
    let value = reply.json()["value"].take();
    match value.get("error") {
        Some(error) => Err(format!("{error}: {}", value["message"])),
        None => Ok(value),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// How long a page, a script, an element or a start may take.
const PATIENCE: Duration = Duration::from_secs(30);
const MILLISECONDS: u64 = 30_000;

/// By which `WebDriver` knows elements (its §12).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Containers have neither the namespaces of the sandbox, nor a `/dev/shm` to speak of.
const FLAGS: [&str; 15] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--no-first-run",
    "--password-store=basic",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1",
    "--window-size=1024,768",
    "--remote-debugging-port=0",
    "about:blank",
];
