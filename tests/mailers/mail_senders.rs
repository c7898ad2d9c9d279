//! The mailers that need no mail server, and one that an application writes.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use crudauth::mail::{
    BoxFuture, ConsoleMailer, JsonLinesMailer, Mailer, Message, MessageKind, SendError,
};
use crudauth::testing::{self, CaptureMailer};
use serde_json::{Value, json};

/// A path of its own, gone at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let name = format!("crudauth-mail-{}.jsonl", uuid::Uuid::new_v4());
        Self(std::env::temp_dir().join(name))
    }

    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.0).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

// --- JSON lines ----------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_line_holds_what_the_contract_says() {
    let file = Scratch::new();
    let mailer = JsonLinesMailer::to(&file.0).unwrap();
    let message = testing::message(MessageKind::VerifyEmail, "ada@example.com");
    let notice = testing::message(MessageKind::PasswordChanged, "ada@example.com");
    mailer.send(&message).await.unwrap();
    mailer.send(&notice).await.unwrap();

    let [first, second] = &*file.lines() else {
        panic!("not two lines")
    };
    let link = message.context.link.unwrap();
    assert_eq!(
        *first,
        json!({
            "id": message.id,
            "to": "ada@example.com",
            "subject": "Verify your email",
            "body": format!("Verify your email: {link}"),
            "html": message.content.html,
            "kind": "verify_email",
            "context": { "kind": "verify_email", "link": link, "recipient": "ada@example.com", "expires_in": 86400 },
        })
    );
    assert_eq!(second["context"]["link"], Value::Null);
    assert_eq!(second["context"]["expires_in"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_of_many_writers_do_not_run_into_each_other() {
    let file = Scratch::new();
    let mailers = [
        JsonLinesMailer::to(&file.0).unwrap(),
        JsonLinesMailer::to(&file.0).unwrap(),
    ];
    let sends = (0..100).map(|number| {
        let mailer = mailers[number % 2].clone();
        tokio::spawn(async move {
            let address = format!("user{number}@example.com");
            mailer
                .send(&testing::message(MessageKind::ResetPassword, &address))
                .await
        })
    });
    for send in futures_util::future::join_all(sends).await {
        send.unwrap().unwrap();
    }

    let mut recipients: Vec<_> = file
        .lines()
        .iter()
        .map(|line| line["to"].as_str().unwrap().to_owned())
        .collect();
    recipients.sort();
    recipients.dedup();
    assert_eq!(recipients.len(), 100);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_reads_the_links() {
    use std::os::unix::fs::PermissionsExt;

    let file = Scratch::new();
    JsonLinesMailer::to(&file.0).unwrap();

    assert_eq!(
        std::fs::metadata(&file.0).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn a_file_that_cannot_be_written_stops_the_start() {
    let refused = JsonLinesMailer::to("/nonexistent/directory/mail.jsonl").unwrap_err();

    assert!(
        refused
            .to_string()
            .contains("/nonexistent/directory/mail.jsonl")
    );
}

// --- The terminal --------------------------------------------------------------------------------------------------

const CHILD: &str = "CRUDAUTH_TEST_CONSOLE";

/// What the parent below starts.
#[tokio::test]
async fn console_child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let mailer = ConsoleMailer::new();
    mailer
        .send(&testing::message(
            MessageKind::ResetPassword,
            "ada@example.com",
        ))
        .await
        .unwrap();
    mailer
        .send(&testing::message(
            MessageKind::PasswordChanged,
            "ada@example.com",
        ))
        .await
        .unwrap();
}

#[test]
fn the_console_shows_the_link_on_standard_error() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "mail_senders::console_child", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert!(output.status.success());
    let (out, err) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );

    let link = testing::message(MessageKind::ResetPassword, "ada@example.com")
        .context
        .link
        .unwrap();
    assert!(
        err.contains("reset_password") && err.contains("ada@example.com") && err.contains(&link),
        "{err}"
    );
    assert!(err.contains("The password of your account"), "{err}");
    assert!(!out.contains("token="), "{out}");
}

// --- In tests of applications --------------------------------------------------------------------------------------

#[tokio::test]
async fn what_was_taken_can_be_looked_at() {
    let outbox = CaptureMailer::new();
    let given: Arc<dyn Mailer> = Arc::new(outbox.clone());
    for (kind, to) in [
        (MessageKind::VerifyEmail, "ada@example.com"),
        (MessageKind::ResetPassword, "ada@example.com"),
        (MessageKind::PasswordChanged, "bob@example.com"),
    ] {
        given.send(&testing::message(kind, to)).await.unwrap();
    }

    assert_eq!(
        outbox.last_to("ada@example.com").unwrap().kind(),
        MessageKind::ResetPassword
    );
    assert!(outbox.last_to("eve@example.com").is_none());
    assert_eq!(outbox.links().len(), 2);
    assert_eq!(outbox.take().len(), 3);
    assert!(outbox.messages().is_empty() && outbox.links().is_empty());
    assert!(!format!("{outbox:?}").contains("token"));
}

#[tokio::test]
async fn it_fails_hangs_and_dawdles_as_it_is_told() {
    let outbox = CaptureMailer::new();
    let message = testing::message(MessageKind::VerifyEmail, "ada@example.com");
    outbox.fail_temporarily();
    assert!(matches!(
        outbox.send(&message).await,
        Err(SendError::Temporary(_))
    ));
    outbox.fail_permanently();
    assert!(matches!(
        outbox.send(&message).await,
        Err(SendError::Permanent(_))
    ));
    outbox.hang();
    assert!(
        tokio::time::timeout(Duration::from_millis(20), outbox.send(&message))
            .await
            .is_err()
    );
    assert!(outbox.messages().is_empty());

    outbox.deliver();
    outbox.delay(Duration::from_millis(20));
    let begun = tokio::time::Instant::now();
    outbox.send(&message).await.unwrap();

    assert!(begun.elapsed() >= Duration::from_millis(20));
    assert_eq!((outbox.messages().len(), outbox.attempts()), (1, 4));
}

#[tokio::test]
async fn a_test_waits_for_a_message_that_is_on_its_way() {
    let outbox = CaptureMailer::new();
    let sender = outbox.clone();
    let (waited, ()) = tokio::join!(
        outbox.wait_for(Duration::from_secs(30), |message| message.to
            == "bob@example.com"),
        async {
            for to in ["ada@example.com", "bob@example.com"] {
                tokio::task::yield_now().await;
                sender
                    .send(&testing::message(MessageKind::VerifyEmail, to))
                    .await
                    .unwrap();
            }
        }
    );

    assert_eq!(waited.unwrap().to, "bob@example.com");
    assert!(
        outbox
            .wait_for(Duration::from_secs(30), |_| true)
            .await
            .is_some(),
        "one that is there already"
    );
    assert!(
        outbox
            .wait_for(Duration::from_millis(20), |_| false)
            .await
            .is_none()
    );
}

// --- Of the application's own --------------------------------------------------------------------------------------

struct Own;

impl Mailer for Own {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async move {
            if message.kind() == MessageKind::ExistingAccount {
                return Err(SendError::permanent("not by this way"));
            }
            Ok(())
        })
    }
}

#[tokio::test]
async fn an_application_writes_its_own() {
    let own: Box<dyn Mailer> = Box::new(Own);

    own.send(&testing::message(
        MessageKind::VerifyEmail,
        "ada@example.com",
    ))
    .await
    .unwrap();
    let refused = own
        .send(&testing::message(
            MessageKind::ExistingAccount,
            "ada@example.com",
        ))
        .await
        .unwrap_err();

    assert_eq!(
        refused.to_string(),
        "the message was refused: not by this way"
    );
}
