//! Signing up where messages go out: one answer for an address that is free and one that is not.

use crudauth::mail::MessageKind;
use crudauth::testing::{CaptureMailer, TestBuilder as _, hashes_done};
use crudauth::{AuthUser, CreateUser, PasswordHash, auth};
use serde_json::{Value, json};

use crate::mailed::mail_app;
use crate::support::{self, Answer, PASSWORD, User, UserColumns, fresh_address};

const ACCEPTED: &str =
    r#"{"detail":"If the email is available, check your inbox to finish signing up."}"#;
const USERNAME: &str = r#"{"detail":"Username already taken","code":"username_taken"}"#;

/// One that is recovered by its phone.
#[derive(Debug, Clone, AuthUser)]
#[auth(table = "members")]
pub struct Member {
    id: i64,
    email: String,
    username: String,
    password_hash: PasswordHash,
    email_verified: bool,
    #[auth(register, unique)]
    #[allow(dead_code, reason = "the client writes it, and nobody here reads it")]
    badge: String,
}

auth! {
    #[database(sqlite, postgres)]
    #[email(frontend_url = "https://app.example.com")]
    pub struct Members<Member>;
}

fn body(email: &str, username: &str) -> Value {
    json!({ "email": format!("{email}@example.com"), "username": username, "password": PASSWORD })
}

fn new(name: &str) -> CreateUser<User> {
    CreateUser {
        email: Some("ada@example.com".to_owned()),
        username: Some(name.to_owned()),
        password: PASSWORD.to_owned(),
        columns: UserColumns {
            full_name: None,
            plan: "free".to_owned(),
        },
        email_verified: false,
        superuser: false,
    }
}

/// Everything about an answer but its request id.
fn bytes(answer: &Answer) -> (u16, Vec<(String, String)>, &str) {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| *name != "x-request-id" && *name != "date")
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    (answer.status.as_u16(), headers, &answer.text)
}

#[tokio::test]
async fn sec_028_a_free_and_a_taken_address_are_told_the_same_at_the_same_cost() {
    let app = mail_app().await;
    app.verified("ada").await;
    drop(app.mail.take());
    let register = async |email: &str, username: &str| {
        let before = hashes_done(&app.auth);
        let client = app.client().from(&fresh_address());
        let answer = client.post_json("/register", &body(email, username)).await;
        let queued = app.count("SELECT count(*) FROM auth_outbox").await;
        app.deliver().await;
        (answer, hashes_done(&app.auth) - before, queued)
    };

    let (free, hashes, queued) = register("bob", "bob").await;
    assert_eq!((hashes, queued), (1, 1));
    let (taken, hashes, queued) = register("ada", "carl").await;
    assert_eq!((hashes, queued), (1, 1));

    assert_eq!(bytes(&free), bytes(&taken));
    assert_eq!((free.status.as_u16(), free.text.as_str()), (202, ACCEPTED));
    assert!(free.set_cookies().is_empty() && taken.set_cookies().is_empty());
    assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 0);
    assert_eq!(app.count("SELECT count(*) FROM users").await, 2);
    let sent: Vec<_> = app
        .mail
        .take()
        .iter()
        .map(|m| (m.kind(), m.to.clone()))
        .collect();
    assert_eq!(
        sent,
        [
            (MessageKind::VerifyEmail, "bob@example.com".to_owned()),
            (MessageKind::ExistingAccount, "ada@example.com".to_owned()),
        ]
    );
}

/// Decided first, or a name that is known to be taken would ask whether an address is.
#[tokio::test]
async fn sec_028_a_taken_name_is_told_whatever_the_address_is() {
    let app = mail_app().await;
    app.verified("ada").await;
    drop(app.mail.take());
    let mut answers = Vec::new();
    for email in ["ada", "bob"] {
        for name in ["ada", "ADA", "\u{ff41}da"] {
            let client = app.client().from(&fresh_address());
            let answer = client.post_json("/register", &body(email, name)).await;
            assert_eq!(
                (answer.status.as_u16(), answer.text.as_str()),
                (422, USERNAME)
            );
            answers.push(answer);
        }
    }
    for answer in &answers {
        assert_eq!(bytes(answer), bytes(&answers[0]));
    }
    assert_eq!(app.count("SELECT count(*) FROM auth_outbox").await, 0);
    app.deliver().await;
    assert!(app.mail.take().is_empty());
}

#[tokio::test]
async fn an_owner_is_told_five_times_an_hour_and_strangers_never_notice() {
    let app = mail_app().await;
    app.verified("ada").await;
    drop(app.mail.take());
    for n in 0..8 {
        let client = app.client().from(&fresh_address());
        let answer = client
            .post_json("/register", &body("ada", &format!("eve{n}")))
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.text.as_str()),
            (202, ACCEPTED)
        );
        app.deliver().await;
    }
    assert_eq!(app.mail.take().len(), 5);
    app.clock.advance(std::time::Duration::from_hours(1));
    let client = app.client().from(&fresh_address());
    client.post_json("/register", &body("ada", "eve")).await;
    app.deliver().await;
    assert_eq!(app.mail.take().len(), 1);
}

#[tokio::test]
async fn another_unique_column_that_is_taken_is_not_told_either() {
    let app = {
        let file = support::TempDb::new();
        let pool = support::pool(&file.url(), 5).await;
        pool.run(Member::create_table_sql(support::dialect())).await;
        let mail = CaptureMailer::new();
        let auth = Members::builder(pool.clone())
            .secret(support::SECRET)
            .cheap_hashing()
            .manual_workers()
            .mailer(mail.clone())
            .await
            .unwrap();
        (auth, pool, mail, file)
    };
    let (auth, db, mail, _file) = app;
    let client = support::Client::new(auth.router());
    let register = async |name: &str, badge: &str| {
        let mut body = body(name, name);
        body["badge"] = json!(badge);
        let client = client.clone().from(&fresh_address());
        let answer = client.post_json("/register", &body).await;
        auth.run_due().await.unwrap();
        answer
    };
    let first = register("ada", "1").await;
    let second = register("bob", "1").await;

    assert_eq!(
        (first.status.as_u16(), first.text.as_str()),
        (202, ACCEPTED)
    );
    assert_eq!(bytes(&first), bytes(&second));
    assert_eq!(db.count("SELECT count(*) FROM members").await, 1);
    assert_eq!(
        mail.messages().len(),
        1,
        "whose badge it is has nothing to do with bob's mailbox"
    );
}

#[tokio::test]
async fn accounts_that_the_application_creates_are_written_to_by_the_application() {
    let app = mail_app().await;
    let user = new("ada");
    app.auth.users().create(user).await.unwrap();

    assert_eq!(app.count("SELECT count(*) FROM auth_outbox").await, 0);
    app.deliver().await;
    assert!(app.mail.take().is_empty());
    let taken = new("bob");
    assert!(app.auth.users().create(taken).await.is_err());
    app.deliver().await;
    assert!(app.mail.take().is_empty());
}

/// The mailer is not there when the request is answered: whether it works, no answer can tell.
#[tokio::test]
async fn a_mailer_that_fails_changes_no_answer() {
    let app = mail_app().await;
    app.verified("ada").await;
    app.mail.fail_permanently();
    let client = app.client().from(&fresh_address());
    for (email, name) in [("ada", "eve"), ("bob", "bob")] {
        let answer = client.post_json("/register", &body(email, name)).await;
        app.deliver().await;
        assert_eq!(
            (answer.status.as_u16(), answer.text.as_str()),
            (202, ACCEPTED)
        );
    }
    app.mail.deliver();
    assert_eq!(app.signed_in("bob").await.get("/me").await.status, 200);
}
