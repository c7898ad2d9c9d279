//! Messages as lines of a file, for another program to send.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use serde::Serialize;

use super::{Mailer, Message, MessageContext, MessageKind, SendError};
use crate::error::{Error, Result};

/// Appends each message to a file, one JSON object on a line: for a program of yours that sends them, or one that tests
/// your application from outside.
///
/// ```
/// # use crudauth_runtime as crudauth;
/// use crudauth::mail::{JsonLinesMailer, Mailer};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let path = std::env::temp_dir().join(format!("crudauth-mail-doc-{}.jsonl", std::process::id()));
/// let mailer = JsonLinesMailer::to(&path)?; // `.mailer(…)` on the builder
/// # let message = crudauth::testing::message(crudauth::mail::MessageKind::VerifyEmail, "ada@example.com");
/// mailer.send(&message).await?;
///
/// let line = std::fs::read_to_string(&path)?;
/// assert!(line.starts_with(r#"{"id":""#) && line.contains(r#""to":"ada@example.com","subject":"Verify your email""#));
/// # std::fs::remove_file(&path)?;
/// # Ok(())
/// # }
/// ```
///
/// A line is `{"id", "to", "subject", "body", "html", "kind", "context": {"kind", "link", "recipient", "expires_in"}}`, where
/// `html` is left out if there is none. Every line is written in one piece, by this process and by others that append to the
/// same file. A line may come twice, with the same `id`.
///
/// # Security
/// The links in it open accounts. The file is made readable for its owner only; an existing one keeps its mode.
#[derive(Clone)]
pub struct JsonLinesMailer {
    file: Arc<Mutex<File>>,
}

impl JsonLinesMailer {
    /// Appends to the file at `path`, which is made if there is none.
    ///
    /// # Errors
    /// When it cannot be opened for writing.
    pub fn to(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| {
            Error::config(format!(
                "messages cannot be written to {}: {error}",
                path.display()
            ))
        })?;
        Ok(Self {
            file: Arc::new(Mutex::new(file)),
        })
    }
}

impl fmt::Debug for JsonLinesMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLinesMailer").finish_non_exhaustive()
    }
}

impl Mailer for JsonLinesMailer {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async move {
            let line = line(message).map_err(SendError::permanent)?;
            let file = Arc::clone(&self.file);
            // In a task that goes on where the caller's patience ends: half a line would spoil the next one.
            tokio::task::spawn_blocking(move || append(&file, &line))
                .await
                .map_err(SendError::temporary)?
                .map_err(SendError::temporary)
        })
    }
}

/// Unbuffered: the line is with the operating system when this returns. The lock keeps our own lines apart should one be
/// written in two pieces, the file's append mode those of other processes.
fn append(file: &Mutex<File>, line: &[u8]) -> std::io::Result<()> {
    file.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .write_all(line)
}

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    to: &'a str,
    subject: &'a str,
    body: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<&'a str>,
    kind: MessageKind,
    context: &'a MessageContext,
}

fn line(message: &Message) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(&Line {
        id: &message.id,
        to: &message.to,
        subject: &message.content.subject,
        body: &message.content.text,
        html: message.content.html.as_deref(),
        kind: message.kind(),
        context: &message.context,
    })?;
    line.push(b'\n');
    Ok(line)
}
